package remote

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Command runs one command when it is created, another when it is updated and a third when it is deleted.
type Command struct{}

type CommandInputs struct {
	Connection             *Connection       `pulumi:"connection" provider:"secret"`
	Create                 *string           `pulumi:"create,optional"`
	Update                 *string           `pulumi:"update,optional"`
	Delete                 *string           `pulumi:"delete,optional"`
	Triggers               *[]any            `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Stdin                  *string           `pulumi:"stdin,optional"`
	Environment            map[string]string `pulumi:"environment,optional"`
	AddPreviousOutputInEnv *bool             `pulumi:"addPreviousOutputInEnv,optional"`
	Logging                *Logging          `pulumi:"logging,optional"`
}

type CommandOutputs struct {
	CommandInputs
	Output
}

func (*Command) Annotate(a infer.Annotator) {
	a.Describe(&Command{}, "A command on a remote host, over SSH.")
}

func (inputs *CommandInputs) Annotate(a infer.Annotator) {
	a.Describe(&inputs.Connection, "How to reach the host.")
	a.Describe(&inputs.Create, "Runs on creation, and on an update where there is no update command.")
	a.Describe(&inputs.Update, "Runs when an input changed.")
	a.Describe(&inputs.Delete, "Runs on deletion, as the last create or update recorded it.")
	a.Describe(&inputs.Triggers, "Values of any type: when one changes, the resource is replaced.")
	a.Describe(&inputs.Stdin, "What the command reads from standard input.")
	a.Describe(&inputs.Environment, "Environment variables; the server's AcceptEnv has to name them.")
	a.Describe(&inputs.AddPreviousOutputInEnv,
		"Whether PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR hold the outputs of the run before; true when unset.")
	a.Describe(&inputs.Logging, "Which output is shown while the command runs; both streams when unset.")
}

func (output *Output) Annotate(a infer.Annotator) {
	a.Describe(&output.Stdout, "What the command wrote to standard output, without the last newline.")
	a.Describe(&output.Stderr, "What the command wrote to standard error, without the last newline.")
}

func (*Command) Create(
	ctx context.Context, request infer.CreateRequest[CommandInputs],
) (infer.CreateResponse[CommandOutputs], error) {
	response := infer.CreateResponse[CommandOutputs]{Output: CommandOutputs{CommandInputs: request.Inputs}}
	var err error
	if response.ID, err = resource.NewUniqueHex(request.Name, 8, 0); err != nil {
		return response, err
	}
	if !request.DryRun && request.Inputs.Create != nil {
		response.Output.Output, err = request.Inputs.run(ctx, *request.Inputs.Create, Output{})
	}
	return response, err
}

func (*Command) Update(
	ctx context.Context, request infer.UpdateRequest[CommandInputs, CommandOutputs],
) (infer.UpdateResponse[CommandOutputs], error) {
	previous := request.State.Output
	response := infer.UpdateResponse[CommandOutputs]{
		Output: CommandOutputs{CommandInputs: request.Inputs, Output: previous},
	}
	command := request.Inputs.Update
	if command == nil {
		command = request.Inputs.Create
	}
	if request.DryRun || command == nil {
		return response, nil
	}
	output, err := request.Inputs.run(ctx, *command, previous)
	if err == nil {
		response.Output.Output = output
	}
	return response, err
}

func (*Command) Delete(
	ctx context.Context, request infer.DeleteRequest[CommandOutputs],
) (infer.DeleteResponse, error) {
	state := request.State
	if state.Delete == nil {
		return infer.DeleteResponse{}, nil
	}
	_, err := state.run(ctx, *state.Delete, state.Output)
	return infer.DeleteResponse{}, err
}
