module iotistic/tools/crds

go 1.26

// Only the definitions in these modules are used, so nothing imports them and
// "go mod tidy" would drop the lines: add a version with "go mod download".
require (
	github.com/cert-manager/cert-manager v1.19.1
	github.com/prometheus-operator/prometheus-operator v0.83.0
	sigs.k8s.io/gateway-api v1.5.1
)
