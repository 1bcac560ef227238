// Package ext is the place where the vendor's commercial edition widens Traefik's configuration. The module
// that is published names it and does not bring it, so here it is, with nothing in it.
package ext

// HTTP adds nothing to the configuration of HTTP.
type HTTP struct{}

// Router adds nothing to the configuration of a router.
type Router struct{}
