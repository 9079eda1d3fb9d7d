#!/bin/sh
# pulumi-language-nodejs of this project's own build. Today's engine sends a project's runtime options with its requests;
# the last language host that Go modules hold takes them as flags, so they are read where the engine has read them.
if [ -f Pulumi.yaml ]; then
  while IFS= read -r line; do
    name=${line%%:*} value=${line#*: }
    case $name in
      *\ typescript) set -- "-typescript=$value" "$@" ;;
      *\ nodeargs) set -- "-nodeargs=$value" "$@" ;;
    esac
  done <Pulumi.yaml
fi
exec "$0.bin" "$@"
