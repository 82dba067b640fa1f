// Package gobench is what the Go contenders measure with; it says the same as common/bench.hpp.
package gobench

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

func init() {
	if n, err := strconv.Atoi(os.Getenv("BENCH_THREADS")); err == nil && n > 0 {
		runtime.GOMAXPROCS(n)
	}
}

// Threads is how many threads every contender gets.
func Threads() int { return runtime.GOMAXPROCS(0) }

// Scaled is a tenth of n under --quick.
func Scaled(n int) int {
	if os.Getenv("BENCH_QUICK") != "" && n >= 10 {
		return n / 10
	}
	return n
}

func Report(metric string, value float64, unit string) {
	fmt.Printf("%s %.6g %s\n", metric, value, unit)
}

func NotAvailable(why string) {
	fmt.Println("n/a", why)
	os.Exit(3)
}

func Check(holds bool, what string) {
	if !holds {
		fmt.Fprintln(os.Stderr, "wrong result:", what)
		os.Exit(2)
	}
}

// OnlyCase is the program's one argument.
func OnlyCase() string {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage:", os.Args[0], "CASE")
		os.Exit(64)
	}
	return os.Args[1]
}

func CPUSeconds() float64 {
	var used syscall.Rusage
	syscall.Getrusage(0, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) * 1e-9
}

func ResidentBytes() float64 {
	var size, resident int64
	text, _ := os.ReadFile("/proc/self/statm")
	fmt.Sscanf(string(text), "%d %d", &size, &resident)
	return float64(resident) * float64(os.Getpagesize())
}

// PeakResidentBytes is the largest the process has been since it started.
func PeakResidentBytes() float64 {
	var kilobytes float64
	text, _ := os.ReadFile("/proc/self/status")
	if at := strings.Index(string(text), "VmHWM:"); at >= 0 {
		fmt.Sscan(string(text[at+len("VmHWM:"):]), &kilobytes)
	}
	return kilobytes * 1024
}

// sink keeps the compiler from dropping the work; the branch is never taken.
var sink atomic.Uint64

// Work is a chain of dependent multiplications.
func Work(x uint64, steps int) uint64 {
	for i := 0; i < steps; i++ {
		x = x*6364136223846793005 + 1
	}
	if x == 42 {
		sink.Store(x)
	}
	return x
}

// StepSeconds is what one step of Work takes on this machine: the fastest of eleven tries.
func StepSeconds() float64 {
	fastest := 1.0
	for i := 0; i < 11; i++ {
		start := time.Now()
		Work(uint64(i), 2_000_000)
		if step := time.Since(start).Seconds() / 2e6; step < fastest {
			fastest = step
		}
	}
	return fastest
}

// Counter is alone on its cache lines.
type Counter struct {
	_     [128]byte
	value atomic.Int64
	_     [128]byte
}

func (c *Counter) Add()        { c.value.Add(1) }
func (c *Counter) Load() int64 { return c.value.Load() }
func (c *Counter) Reset()      { c.value.Store(0) }
func (c *Counter) WaitFor(n int) {
	for c.value.Load() < int64(n) {
		time.Sleep(50 * time.Microsecond)
	}
}
