// SPDX-License-Identifier: Apache-2.0

// A client of cowshed's service that shares no code with it: it uses github.com/varlink/go. It looks what the
// service is, follows a long operation, hears of a VM that starts, and is told what it does wrong.
//
//	cowshed-client ADDRESS VM VOLUME FILE
//
// VM is started and stopped, the content of VOLUME replaced by FILE. Prints "ok CHECK" or "FAIL CHECK".
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/varlink/go/varlink"
	"github.com/varlink/go/varlink/idl"
)

const interfaceName = "io.cowshed"

type object map[string]interface{}

type device struct {
	Vm   string `json:"vm"`
	Name string `json:"name"`
	Path string `json:"path"`
	Rw   bool   `json:"rw"`
}

type vmResult struct {
	Vm      string           `json:"vm"`
	Devices []device         `json:"devices"`
	Error   *json.RawMessage `json:"error"`
}

type event struct {
	Time string `json:"time"`
	Kind string `json:"kind"`
	Vm   string `json:"vm"`
}

type progress struct {
	Done  int64 `json:"done"`
	Total int64 `json:"total"`
}

type checker struct {
	ctx     context.Context
	address string
	failed  bool
}

func (c *checker) check(what string, body func() error) {
	if err := body(); err != nil {
		fmt.Printf("FAIL %s\n    %v\n", what, err)
		c.failed = true
		return
	}
	fmt.Printf("ok %s\n", what)
}

func (c *checker) connect() (*varlink.Connection, error) {
	return varlink.NewConnection(c.ctx, c.address)
}

// A call on a connection of its own.
func (c *checker) call(method string, parameters interface{}, reply interface{}) error {
	connection, err := c.connect()
	if err != nil {
		return err
	}
	defer connection.Close()
	return connection.Call(c.ctx, interfaceName+"."+method, parameters, reply)
}

func (c *checker) saysWhatItIs() error {
	connection, err := c.connect()
	if err != nil {
		return err
	}
	defer connection.Close()
	var product string
	var interfaces []string
	if err := connection.GetInfo(c.ctx, nil, &product, nil, nil, &interfaces); err != nil {
		return err
	}
	if product != "cowshed" || fmt.Sprint(interfaces) != "[io.cowshed org.varlink.service]" {
		return fmt.Errorf("it says %s, %v", product, interfaces)
	}
	return nil
}

// Each interface is described in the language that the other implementation parses.
func (c *checker) describesItself() error {
	connection, err := c.connect()
	if err != nil {
		return err
	}
	defer connection.Close()
	for _, name := range []string{interfaceName, "org.varlink.service"} {
		text, err := connection.GetInterfaceDescription(c.ctx, name)
		if err != nil {
			return err
		}
		parsed, err := idl.New(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if parsed.Name != name || len(parsed.Methods) == 0 || len(parsed.Errors) == 0 {
			return fmt.Errorf("%s has %d methods, %d errors", parsed.Name, len(parsed.Methods), len(parsed.Errors))
		}
	}
	return nil
}

func (c *checker) followsAnImport(volume, file string) error {
	connection, err := c.connect()
	if err != nil {
		return err
	}
	defer connection.Close()
	receive, err := connection.Send(c.ctx, interfaceName+".VolumeImport",
		object{"volume": volume, "file": file}, varlink.More)
	if err != nil {
		return err
	}
	told, last := 0, int64(0)
	for {
		var reply struct {
			Progress *progress `json:"progress"`
		}
		flags, err := receive(c.ctx, &reply)
		if err != nil {
			return err
		}
		if flags&varlink.Continues == 0 {
			break
		}
		if reply.Progress == nil || reply.Progress.Done < last || reply.Progress.Done > reply.Progress.Total {
			return fmt.Errorf("it was at %d, and now at %+v", last, reply.Progress)
		}
		last = reply.Progress.Done
		told++
	}
	if told == 0 {
		return errors.New("nothing was told of it")
	}
	return nil
}

type monitor struct {
	connection *varlink.Connection
	receive    func(context.Context, interface{}) (uint64, error)
}

func (m *monitor) next(ctx context.Context) (*event, error) {
	var reply struct {
		Event *event `json:"event"`
	}
	flags, err := m.receive(ctx, &reply)
	if err == nil && flags&varlink.Continues == 0 {
		err = errors.New("that was the last reply")
	}
	return reply.Event, err
}

// Returned when nothing that happens from now on is missed.
func (c *checker) watch(parameters object) (*monitor, error) {
	connection, err := c.connect()
	if err != nil {
		return nil, err
	}
	receive, err := connection.Send(c.ctx, interfaceName+".Monitor", parameters, varlink.More)
	if err != nil {
		return nil, err
	}
	m := &monitor{connection, receive}
	if first, err := m.next(c.ctx); err != nil || first != nil {
		return nil, fmt.Errorf("first reply: %v, %v", first, err)
	}
	return m, nil
}

func (c *checker) change(method, vm string) (*vmResult, error) {
	var reply struct {
		Results []vmResult `json:"results"`
	}
	if err := c.call(method, object{"vms": []string{vm}}, &reply); err != nil {
		return nil, err
	}
	if len(reply.Results) != 1 || reply.Results[0].Vm != vm || reply.Results[0].Error != nil {
		return nil, fmt.Errorf("%s: %+v", method, reply.Results)
	}
	return &reply.Results[0], nil
}

func readable(devices []device) error {
	if len(devices) == 0 {
		return errors.New("no devices")
	}
	for _, d := range devices {
		file, err := os.Open(d.Path)
		if err != nil {
			return err
		}
		_, err = file.Read(make([]byte, 4096))
		file.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) hearsOfAVm(vm string) error {
	m, err := c.watch(object{"kinds": []string{"started", "stopped"}, "vms": []string{vm}})
	if err != nil {
		return err
	}
	defer m.connection.Close()
	started, err := c.change("VmStart", vm)
	if err != nil {
		return err
	}
	if err := readable(started.Devices); err != nil {
		return err
	}
	if _, err := c.change("VmStop", vm); err != nil {
		return err
	}
	for _, kind := range []string{"started", "stopped"} {
		heard, err := m.next(c.ctx)
		if err != nil {
			return err
		}
		if heard == nil || heard.Kind != kind || heard.Vm != vm {
			return fmt.Errorf("heard %+v instead of %s", heard, kind)
		}
		if _, err := time.Parse(time.RFC3339, heard.Time); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) isToldWhatIsWrong() error {
	var typed *varlink.Error
	if err := c.call("VmInfo", object{"vm": "nobody"}, nil); !errors.As(err, &typed) || typed.Name != interfaceName+".NotFound" {
		return fmt.Errorf("a VM that is not there: %v", err)
	}
	var parameter *varlink.InvalidParameter
	if err := c.call("VmStart", object{"vms": []interface{}{"work", 7}}, nil); !errors.As(err, &parameter) || parameter.Parameter != "vms/1" {
		return fmt.Errorf("a number as a name: %v", err)
	}
	var method *varlink.MethodNotFound
	if err := c.call("Nothing", nil, nil); !errors.As(err, &method) || method.Method != interfaceName+".Nothing" {
		return fmt.Errorf("a method that is not there: %v", err)
	}
	return nil
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "Usage: cowshed-client ADDRESS VM VOLUME FILE")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	vm, volume, file := os.Args[2], os.Args[3], os.Args[4]
	c := checker{ctx: ctx, address: os.Args[1]}
	c.check("the service says what it is", c.saysWhatItIs)
	c.check("its interfaces are described in good Varlink", c.describesItself)
	c.check("the progress of an import is told", func() error { return c.followsAnImport(volume, file) })
	c.check("a VM's start and stop are events", func() error { return c.hearsOfAVm(vm) })
	c.check("errors arrive with their types", c.isToldWhatIsWrong)
	if c.failed {
		os.Exit(1)
	}
}
