// Go's channels alone.
package main

import (
	"sync"
	"sync/atomic"
	"time"

	. "gristmill/bench/common/gobench"
)

func flow(name string, capacity, senders, receivers, values int) {
	channel := make(chan int, capacity)
	var count, sum atomic.Int64
	var sending, receiving sync.WaitGroup
	start := time.Now()
	sending.Add(senders)
	for s := 0; s < senders; s++ {
		go func(s int) {
			for v := s; v < values; v += senders {
				channel <- v
			}
			sending.Done()
		}(s)
	}
	receiving.Add(receivers)
	for r := 0; r < receivers; r++ {
		go func() {
			mine, total := 0, 0
			for v := range channel {
				mine++
				total += v
			}
			count.Add(int64(mine))
			sum.Add(int64(total))
			receiving.Done()
		}()
	}
	sending.Wait()
	close(channel)
	receiving.Wait()
	seconds := time.Since(start).Seconds()
	Check(count.Load() == int64(values) && sum.Load() == int64(values)*int64(values-1)/2, name+": count or sum")
	Report("W3/"+name, seconds/float64(values)*1e9, "ns")
}

func ping(rounds int) {
	there, back := make(chan int), make(chan int)
	go func() {
		for v := range there {
			back <- v
		}
	}()
	start := time.Now()
	for i := 0; i < rounds; i++ {
		there <- i
		Check(<-back == i, "ping: another value came back")
	}
	Report("W3/ping", time.Since(start).Seconds()/float64(rounds)*1e9, "ns")
}

func select4(each int) {
	var channels [4]chan int
	for i := range channels {
		channels[i] = make(chan int, 100)
	}
	start := time.Now()
	for _, channel := range channels {
		go func(channel chan int) {
			for v := 0; v < each; v++ {
				channel <- v
			}
		}(channel)
	}
	sum := 0
	for i := 0; i < 4*each; i++ {
		var v int
		select {
		case v = <-channels[0]:
		case v = <-channels[1]:
		case v = <-channels[2]:
		case v = <-channels[3]:
		}
		sum += v
	}
	seconds := time.Since(start).Seconds()
	Check(sum == 2*each*(each-1), "select4: sum")
	Report("W3/select4", seconds/float64(4*each)*1e9, "ns")
}

func main() {
	const million = 1_000_000
	switch name := OnlyCase(); name {
	case "spsc1024":
		flow(name, 1024, 1, 1, Scaled(8*million))
	case "mpmc2x2_1024":
		flow(name, 1024, 2, 2, Scaled(8*million))
	case "spsc1":
		flow(name, 1, 1, 1, Scaled(3*million))
	case "mpmc1":
		flow(name, 1, 2, 2, Scaled(3*million))
	case "ping":
		ping(Scaled(million))
	case "select4":
		select4(Scaled(million / 2))
	default:
		NotAvailable("it has no such case")
	}
}
