// Command gobpeer is Go's own encoding/gob at the other end of the tests.
//
// "gobpeer emit" prints a JSON line {name, hex, json} for each of its values.
// "gobpeer check" reads lines {target, hex}, decodes each into the Go type called target,
// and prints {json} or {error}.
package main

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

type ID [16]byte

func (id ID) MarshalBinary() ([]byte, error) { return id[:], nil }

func (id *ID) UnmarshalBinary(raw []byte) error {
	if len(raw) != len(id) {
		return fmt.Errorf("an ID of %d bytes", len(raw))
	}
	copy(id[:], raw)
	return nil
}

func (id ID) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(id[:])), nil }

type Address struct {
	Street string
	City   string
	Zip    string
	Geo    [2]float64
}

type Line struct {
	SKU      string
	Quantity int
	Price    float64
	Gift     bool
}

type Order struct {
	ID        int64
	Key       ID
	Customer  string
	Email     string
	Created   time.Time
	Due       time.Time
	Ship      Address
	Bill      *Address
	Lines     []Line
	Labels    map[string]string
	Retries   uint32
	Express   bool
	Discount  float64
	Notes     string
	Scores    []int
	Signature []byte
	Parent    *Order
}

type Node struct {
	Name string
	Kids []*Node
	Next map[string]*Node
}

type Widths struct {
	I8  int8
	I16 int16
	I32 int32
	I64 int64
	U8  uint8
	U16 uint16
	U32 uint32
	U64 uint64
	F32 float32
	F64 float64
	B   bool
	S   string
	Y   []byte
	T   time.Time
	D   time.Duration
	P   *int
	Any any
	L   []any
	M   map[string]any
	A   [3]int
	AB  [4]byte
}

type Complexes struct {
	C  complex128
	Cs []complex128
}

type Event struct{ What string }

func targets() map[string]func() any {
	return map[string]func() any{
		"bool":                      func() any { return new(bool) },
		"int":                       func() any { return new(int) },
		"int8":                      func() any { return new(int8) },
		"int64":                     func() any { return new(int64) },
		"uint8":                     func() any { return new(uint8) },
		"uint64":                    func() any { return new(uint64) },
		"float32":                   func() any { return new(float32) },
		"float64":                   func() any { return new(float64) },
		"string":                    func() any { return new(string) },
		"[]byte":                    func() any { return new([]byte) },
		"time.Time":                 func() any { return new(time.Time) },
		"time.Duration":             func() any { return new(time.Duration) },
		"uuid.UUID":                 func() any { return new(ID) },
		"complex128":                func() any { return new(complex128) },
		"[]int":                     func() any { return new([]int) },
		"[]string":                  func() any { return new([]string) },
		"[][]string":                func() any { return new([][]string) },
		"[3]int":                    func() any { return new([3]int) },
		"[]any":                     func() any { return new([]any) },
		"map[string]any":            func() any { return new(map[string]any) },
		"map[string]int":            func() any { return new(map[string]int) },
		"map[int]string":            func() any { return new(map[int]string) },
		"map[string][]float64":      func() any { return new(map[string][]float64) },
		"map[string]map[string]int": func() any { return new(map[string]map[string]int) },
		"Line":                      func() any { return new(Line) },
		"[]Line":                    func() any { return new([]Line) },
		"Order":                     func() any { return new(Order) },
		"Node":                      func() any { return new(Node) },
		"Widths":                    func() any { return new(Widths) },
		"Complexes":                 func() any { return new(Complexes) },
	}
}

func order() Order {
	berlin := time.FixedZone("", 3600)
	address := Address{"12 Long Street", "Springfield", "12345", [2]float64{52.52, 13.405}}
	bill := Address{"1 Infinite Loop", "Cupertino", "95014", [2]float64{37.33, -122.03}}
	lines := make([]Line, 12)
	for i := range lines {
		lines[i] = Line{fmt.Sprintf("SKU-%05d", 1000+i*37), i + 1, 9.99 * float64(i+1), i%3 == 0}
	}
	return Order{
		ID: 123456789, Key: ID{1, 2, 3}, Customer: "Ada Lovelace", Email: "ada@example.com",
		Created: time.Date(2026, 3, 4, 5, 6, 7, 890123000, time.UTC),
		Due:     time.Date(2026, 3, 5, 0, 0, 0, 0, berlin),
		Ship:    address, Bill: &bill, Lines: lines,
		Labels:  map[string]string{"region": "eu", "tier": "gold", "source": "web"},
		Retries: 3, Express: true, Discount: 0.15,
		Notes:     "Leave at the door; ring twice. Ünïcödé.",
		Scores:    []int{1, 20, 300, -4000, 50000, 6, 7, 8, 9, 10},
		Signature: bytes.Repeat([]byte{0xde, 0xad, 0xbe, 0xef}, 8),
	}
}

func values() []struct {
	name  string
	value any
} {
	seven := 7
	type entry = struct {
		name  string
		value any
	}
	return []entry{
		{"order", order()},
		{"orders", []Order{order(), {ID: 1}}},
		{"node", Node{"root", []*Node{{Name: "kid", Kids: []*Node{{Name: "grandkid"}}}},
			map[string]*Node{"a": {Name: "next"}}}},
		{"widths", Widths{-8, -1600, 1 << 30, -1 << 62, 8, 1600, 1 << 31, 1 << 63, 1.5, -0.1, true,
			"s", []byte{0, 255}, time.Unix(0, 0).UTC(), time.Minute, &seven,
			map[string]any{"nested": []any{nil, 1, "x", map[string]any{"deep": 2.5}}},
			[]any{true, []byte{1}, uint64(9), []any{[]any{}}},
			map[string]any{"e": Event{"inner"}, "t": time.Unix(1, 0).UTC(), "strings": []string{"a"}},
			[3]int{1, 2, 3}, [4]byte{1, 2, 3, 4}}},
		{"any_twice", map[string]any{"a": Event{"one"}, "b": []any{Event{"two"}}}},
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func emit(out *json.Encoder) {
	for _, entry := range values() {
		var buffer bytes.Buffer
		if err := gob.NewEncoder(&buffer).Encode(entry.value); err != nil {
			fail(err)
		}
		out.Encode(map[string]any{
			"name": entry.name, "hex": hex.EncodeToString(buffer.Bytes()), "json": entry.value,
		})
	}
}

func check(out *json.Encoder) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	known := targets()
	for lines.Scan() {
		var request struct{ Target, Hex string }
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			fail(err)
		}
		raw, err := hex.DecodeString(request.Hex)
		if err != nil {
			fail(err)
		}
		make, found := known[request.Target]
		if !found {
			fail(fmt.Errorf("unknown target %q", request.Target))
		}
		target := make()
		if err := gob.NewDecoder(bytes.NewReader(raw)).Decode(target); err != nil {
			out.Encode(map[string]any{"error": err.Error()})
			continue
		}
		switch value := target.(type) { // encoding/json has no form for complex numbers
		case *complex128:
			out.Encode(map[string]any{"json": fmt.Sprint(*value)})
		case *Complexes:
			out.Encode(map[string]any{"json": fmt.Sprint(*value)})
		default:
			if err := out.Encode(map[string]any{"json": target}); err != nil {
				out.Encode(map[string]any{"error": err.Error()})
			}
		}
	}
}

func main() {
	gob.Register(time.Time{})
	gob.Register(map[string]any{})
	gob.Register([]any{})
	gob.Register(Event{})
	writer := bufio.NewWriter(os.Stdout)
	defer writer.Flush()
	out := json.NewEncoder(writer)
	if len(os.Args) == 2 && os.Args[1] == "emit" {
		emit(out)
	} else if len(os.Args) == 2 && os.Args[1] == "check" {
		check(out)
	} else {
		fail(fmt.Errorf("usage: gobpeer emit|check"))
	}
}
