// Command franz-go is the client of that name as a contestant: it does the one job that its arguments name=value say,
// measures itself from the first record to the last, and prints the outcome as the other contestants do.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	job := arguments{}
	for _, argument := range os.Args[1:] {
		name, value, _ := strings.Cut(argument, "=")
		job[name] = value
	}
	time.AfterFunc(time.Duration(job.number("limit"))*time.Second, func() { fail(errors.New("not done in time")) })
	work := fetch
	if job["work"] == "produce" {
		work = produce
	}
	outcome, err := work(job)
	if err != nil {
		fail(err)
	}
	fmt.Println(outcome)
}

func fail(err error) {
	fmt.Println("error:", strings.ReplaceAll(err.Error(), "\n", " "))
	os.Exit(1)
}

type arguments map[string]string

func (job arguments) number(name string) int64 {
	number, err := strconv.ParseInt(job[name], 10, 64)
	if err != nil {
		fail(err)
	}
	return number
}

func (job arguments) isShipped() bool { return job["shipped"] == "true" }

// connect makes a client that knows where the brokers are, and opts.
func (job arguments) connect(opts ...kgo.Opt) (*kgo.Client, error) {
	opts = append(opts, kgo.SeedBrokers(job["servers"]))
	if ca, ok := job["ca"]; ok {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		opts = append(opts, kgo.DialTLSConfig(&tls.Config{RootCAs: roots}))
	}
	return kgo.NewClient(opts...)
}

// meter counts what is delivered and what that takes.
type meter struct {
	begun                    bool
	at                       time.Time
	processor                time.Duration
	mallocs                  uint64
	records, offsets, values uint64
}

func (m *meter) begin() {
	if !m.begun {
		m.begun, m.at, m.processor, m.mallocs = true, time.Now(), processor(), mallocs()
	}
}

func (m *meter) add(offset int64, value []byte) {
	m.records++
	m.offsets += uint64(offset)
	sum := uint64(len(value))
	for len(value) >= 8 {
		sum += binary.LittleEndian.Uint64(value)
		value = value[8:]
	}
	var last [8]byte
	copy(last[:], value)
	m.values += sum + binary.LittleEndian.Uint64(last[:])
}

func (m *meter) finish() (string, error) {
	elapsed, processor := time.Since(m.at), processor()-m.processor
	return fmt.Sprint(elapsed.Nanoseconds(), " ", processor.Nanoseconds(), " ", mallocs()-m.mallocs, " ",
		peakMemory(), " ", m.records, " ", m.offsets, " ", m.values), nil
}

// processor is what all threads have taken so far.
func processor() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func mallocs() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Mallocs
}

// peakMemory is what Linux says of this process, in bytes; 0 elsewhere.
func peakMemory() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kibibytes, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kibibytes << 10
		}
	}
	return 0
}

// recordPool keeps the memory of records that were read.
type recordPool struct{ pool sync.Pool }

func (p *recordPool) GetRecords(n int) []kgo.Record {
	if records, ok := p.pool.Get().(*[]kgo.Record); ok && cap(*records) >= n {
		return (*records)[:0]
	}
	return make([]kgo.Record, 0, n)
}

func (p *recordPool) PutRecords(records []kgo.Record) { p.pool.Put(&records) }

func fetch(job arguments) (string, error) {
	starts := map[int32]kgo.Offset{}
	for partition := range int32(job.number("partitions")) {
		starts[partition] = kgo.NewOffset().At(0)
	}
	opts := []kgo.Opt{kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{job["topic"]: starts})}
	isPooled := !job.isShipped() && job["style"] == "pool"
	if !job.isShipped() {
		opts = append(opts, kgo.FetchMaxBytes(50<<20), kgo.FetchMaxPartitionBytes(1<<20),
			kgo.FetchMinBytes(1), kgo.FetchMaxWait(500*time.Millisecond))
	}
	if isPooled {
		opts = append(opts, kgo.WithPools(&recordPool{}))
	}
	client, err := job.connect(opts...)
	if err != nil {
		return "", err
	}
	meter := meter{}
	expected := uint64(job.number("records"))
	for meter.records < expected {
		fetches := client.PollFetches(context.Background())
		if err := fetches.Err(); err != nil {
			return "", err
		}
		fetches.EachPartition(func(partition kgo.FetchTopicPartition) {
			for _, record := range partition.Records {
				meter.begin()
				meter.add(record.Offset, record.Value)
				if isPooled {
					record.Recycle()
				}
			}
		})
	}
	return meter.finish()
}

func produce(job arguments) (string, error) {
	opts := []kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec(job["codec"]))}
	if !job.isShipped() {
		opts = append(opts, kgo.ProducerBatchMaxBytes(256<<10), kgo.ProducerLinger(10*time.Millisecond),
			kgo.MaxBufferedBytes(64<<20), kgo.MaxBufferedRecords(1_000_000))
	}
	client, err := job.connect(opts...)
	if err != nil {
		return "", err
	}
	entries, err := os.ReadFile(job["entries"])
	if err != nil {
		return "", err
	}
	size := keySize + int(job.number("value-size"))
	count, partitions := int64(len(entries)/size), job.number("partitions")
	var acknowledged, failed atomic.Uint64
	told := func(record *kgo.Record, err error) {
		if err != nil {
			failed.Add(1)
		} else {
			acknowledged.Add(1)
		}
		records.Put(record)
	}
	meter := meter{}
	meter.begin()
	for turn := range job.number("records") {
		start := int(turn%count) * size
		record := records.Get().(*kgo.Record)
		*record = kgo.Record{
			Topic:     job["topic"],
			Partition: int32(turn % partitions),
			Key:       entries[start : start+keySize],
			Value:     entries[start+keySize : start+size],
		}
		client.Produce(context.Background(), record, told)
	}
	if err := client.Flush(context.Background()); err != nil {
		return "", err
	}
	if failed.Load() > 0 {
		return "", fmt.Errorf("%d records failed", failed.Load())
	}
	meter.records = acknowledged.Load()
	return meter.finish()
}

func codec(name string) kgo.CompressionCodec {
	switch name {
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression()
	default:
		return kgo.NoCompression()
	}
}

// records are used again when they were acknowledged.
var records = sync.Pool{New: func() any { return new(kgo.Record) }}

const keySize = 11
