package gobench

import (
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// ChannelPool is Go's usual worker pool.
type ChannelPool struct {
	tasks chan func()
	crew  sync.WaitGroup
}

func NewChannelPool(workers, queue int) *ChannelPool {
	p := &ChannelPool{tasks: make(chan func(), queue)}
	p.crew.Add(workers)
	for i := 0; i < workers; i++ {
		go func() {
			for task := range p.tasks {
				task()
			}
			p.crew.Done()
		}()
	}
	return p
}

func (p *ChannelPool) Submit(task func()) { p.tasks <- task }

// Close returns when all that was submitted has run.
func (p *ChannelPool) Close() {
	close(p.tasks)
	p.crew.Wait()
}

// Tasks is W1 a and b: see common/pool_cases.hpp.
func Tasks(name string, producers int, submit func(func())) {
	var ran Counter
	task := func() { ran.Add() }
	for i := 0; i < 10_000; i++ {
		submit(task)
	}
	ran.WaitFor(10_000)
	ran.Reset()
	n := Scaled(2_000_000)
	start := time.Now()
	if producers == 1 {
		for i := 0; i < n; i++ {
			submit(task)
		}
	} else {
		for p := 0; p < producers; p++ {
			go func() {
				for i := 0; i < n/producers; i++ {
					submit(task)
				}
			}()
		}
	}
	ran.WaitFor(n)
	seconds := time.Since(start).Seconds()
	time.Sleep(time.Millisecond)
	Check(ran.Load() == int64(n), fmt.Sprint("tasks ran ", ran.Load()))
	Report("W1/"+name, float64(n)/seconds, "tasks/s")
}

// NestedTasks is W1 d.
func NestedTasks(submit func(func())) {
	var ran Counter
	depth := 19
	if Scaled(10) == 1 {
		depth = 16
	}
	n := 2<<depth - 1
	var fan func(depth int)
	fan = func(depth int) {
		ran.Add()
		if depth > 0 {
			for child := 0; child < 2; child++ {
				submit(func() { fan(depth - 1) })
			}
		}
	}
	start := time.Now()
	submit(func() { fan(depth) })
	ran.WaitFor(n)
	seconds := time.Since(start).Seconds()
	Check(ran.Load() == int64(n), "tasks ran twice")
	Report("W1/d", float64(n)/seconds, "tasks/s")
}

// Latency is W5.
func Latency(submit func(func())) {
	base := time.Now()
	var microseconds []float64
	for i := 0; i < Scaled(1000)+100; i++ {
		time.Sleep(time.Millisecond)
		var started atomic.Int64
		submitted := time.Since(base)
		submit(func() { started.Store(int64(time.Since(base))) })
		for started.Load() == 0 {
			time.Sleep(200 * time.Microsecond)
		}
		if i >= 100 {
			microseconds = append(microseconds, float64(started.Load()-int64(submitted))/1e3)
		}
	}
	sort.Float64s(microseconds)
	n := len(microseconds)
	Report("W5/p50", microseconds[n/2], "us")
	Report("W5/p99", microseconds[n*99/100], "us")
	Report("W5/max", microseconds[n-1], "us")

	var ran Counter
	task := func() { ran.Add() }
	for i := 0; i < 200_000; i++ {
		submit(task)
	}
	ran.WaitFor(200_000)
	before := CPUSeconds()
	time.Sleep(time.Second)
	Report("W5/after_burst_cpu", (CPUSeconds()-before)*1e3, "ms/s")
	before = CPUSeconds()
	time.Sleep(2 * time.Second)
	Report("W5/idle_cpu", (CPUSeconds()-before)*1e3/2, "ms/s")
}
