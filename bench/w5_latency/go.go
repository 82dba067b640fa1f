// Go's usual worker pool.
package main

import . "gristmill/bench/common/gobench"

func main() {
	if OnlyCase() != "latency" {
		NotAvailable("it has no such case")
	}
	Latency(NewChannelPool(Threads(), 1024).Submit)
}
