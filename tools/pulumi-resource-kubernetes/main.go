// Command pulumi-resource-kubernetes serves the Kubernetes resource provider.
//
// The provider's own main package embeds generated schema files that its Go
// module does not carry, so the plugin is served from here instead. The schema
// is needed only by "pulumi package get-schema", never by an update.
package main

import (
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

func main() {
	emptySchema := []byte("{}")
	provider.Serve("kubernetes", version.Version, emptySchema, emptySchema)
}
