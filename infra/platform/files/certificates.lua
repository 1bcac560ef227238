-- Takes up a renewed certificate without a reload, so that no connection is lost.
-- haproxy.cfg says in the environment where the certificate is and how often to look.
local certificate = os.getenv("EDGE_CERTIFICATE")
local interval = tonumber(os.getenv("EDGE_CERTIFICATE_WATCH_SECONDS"))
local key = certificate:gsub("%.crt$", ".key")

local function read(path)
    local file = assert(io.open(path, "rb"))
    local content = file:read("a")
    file:close()
    return content
end

local function pair()
    return read(certificate) .. read(key)
end

local used = pair()
local seen = used

core.register_task(function()
    while true do
        core.sleep(interval)
        local ok, problem = pcall(function()
            local found = pair()
            -- Only what two looks agree on: between reading the one file and the other both may
            -- have been replaced, and HAProxy 2.6 takes a key that does not belong to its certificate.
            if found == seen and found ~= used then
                CertCache.set({ filename = certificate, crt = found })
                used = found
                core.Info("the renewed certificate is in use")
            end
            seen = found
        end)
        if not ok then
            core.Alert("the certificate's files cannot be used, the former one stays: " .. tostring(problem))
        end
    end
end)
