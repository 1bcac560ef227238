module iotistic/tools/crds

go 1.26

// Only the definitions in these modules are used, so nothing imports them and
// "go mod tidy" would drop the lines: add a version with "go mod download".
require (
	github.com/cert-manager/cert-manager v1.21.1
	github.com/kubernetes-csi/external-snapshotter/client/v8 v8.4.0
	github.com/prometheus-operator/prometheus-operator v0.93.1
	github.com/vmware-tanzu/velero v1.18.2
	sigs.k8s.io/gateway-api v1.5.1
)
