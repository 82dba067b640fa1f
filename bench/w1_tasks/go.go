// Go's usual worker pool: goroutines that range over a buffered channel of functions.
package main

import . "gristmill/bench/common/gobench"

func main() {
	switch name := OnlyCase(); name {
	case "a":
		Tasks("a", 1, NewChannelPool(Threads(), 1024).Submit)
	case "b":
		Tasks("b", 2, NewChannelPool(Threads(), 1024).Submit)
	case "d":
		NotAvailable("a bounded pool whose own workers submit stands still")
	default:
		NotAvailable("it has no such case")
	}
}
