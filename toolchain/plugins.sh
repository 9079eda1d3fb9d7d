# shellcheck shell=bash
# The steps `command-plugin` and `libvirt-plugin`: install the plugins in PULUMI_HOME, under the names that the CLI
# expects.

step_command_plugin() { step_plugin command "$COMMAND_PLUGIN_VERSION" "built from toolchain/command-plugin, the drop-in for the published one"; }
step_libvirt_plugin() { step_plugin libvirt "$LIBVIRT_PLUGIN_VERSION" "built from toolchain/libvirt-plugin"; }

# step_plugin NAME VERSION TEXT_FOR_A_BUILT_ONE
step_plugin() {
  local name=$1 version=$2 built_text=$3 started=$EPOCHREALTIME built installed
  built=$(piece_folder "$name-plugin" "$version" "$name-plugin")/bin/pulumi-resource-$name
  installed=$PULUMI_HOME/plugins/resource-$name-v$version/pulumi-resource-$name
  if ! plugin_fits "$installed" "$built"; then
    lock_cache
    plugin_fits "$installed" "$built" || install_plugin "$name" "$version" "$installed" "$built"
  fi
  done_line "$name-plugin" "$started" "$version, $(plugin_origin "$installed" "$built" "$built_text")"
}

# A link into the cache has to lead to this checkout's build. Anything else there is a published plugin.
plugin_fits() {
  local installed=$1 built=$2 target
  # The CLI marks an unfinished download with this file.
  [ -x "$installed" ] && [ ! -e "${installed%/*}.partial" ] || return 1
  target=$(readlink "$installed") || return 0
  [ "$target" = "$built" ] || [[ $target != "$CACHE"/* ]]
}

plugin_origin() {
  local target
  if ! target=$(readlink "$1"); then
    echo "official download"
  elif [ "$target" = "$2" ]; then
    echo "$3"
  else
    echo "published plugin in ${target%/*}"
  fi
}

install_plugin() {
  local name=$1 version=$2 installed=$3 built=$4 users
  users=${USERS_PULUMI_HOME:-$HOME/.pulumi}/plugins/resource-$name-v$version/pulumi-resource-$name
  if [ -x "$users" ] && [ "$users" != "$installed" ]; then
    link_plugin "$users" "$installed"
  elif [ ! -x "$built" ] && downloads_reachable && rm -rf "${installed%/*}" && download_plugin "$name" "$version"; then
    return
  else
    [ -x "$built" ] || build_plugin "$name" "$built"
    link_plugin "$built" "$installed"
  fi
}

build_plugin() {
  local aside
  aside=$(new_aside)
  go_build "$1-plugin" . "$aside/bin/$(basename "$2")"
  put_in_place "$aside" "$(dirname "$(dirname "$2")")"
}

# link_plugin TARGET LINK: sets a link atomically.
link_plugin() {
  mkdir -p "$(dirname "$2")"
  ln -sfn "$1" "$2.new"
  mv -T "$2.new" "$2"
}
