# ---- GRUB 2: which entry of the menu an ordinary boot takes ---------------------------------------------------------
# GRUB: the folder that holds grub.cfg, custom.cfg and grubenv, as the boot loader sees it.

GRUB=/boot/grub

# grub_entry KERNEL-VERSION...: the entry that an ordinary boot takes, as "FIRST LAST VERSION" (lines of grub.cfg), when it
# boots one of these kernels; else the first ordinary entry for one of them, in the order they are named.
grub_entry() {
  local kernels version saved
  kernels=
  for version in "$@"; do kernels="$kernels $(basename "$(kernel_image "$version")")=$version"; done
  saved=$(grub-editenv "$GRUB/grubenv" list 2>/dev/null | sed -n 's/^saved_entry=//p')
  awk -v kernels="$kernels" -v saved="$saved" "$GRUB_MENU" "$GRUB/grub.cfg"
}

# The menu as grub.cfg writes it, read by a program of awk in three parts. Each menuentry, submenu and block in braces is a
# node, numbered as it opens: kind, title, id, from and to (lines), parent (0 is the menu itself) and place in it. Variables
# in it are those of GRUB and of awk.
# shellcheck disable=SC2016
GRUB_MENU='
  # shell_words: the words of a line in out, as GRUB reads its quotes and backslashes; returns how many
  function shell_words(line, out,   i, c, quote, word, count, begun) {
    count = 0; word = ""; quote = ""; begun = 0
    for (i = 1; i <= length(line); i++) {
      c = substr(line, i, 1)
      if (quote == "") {
        if (c == " " || c == "\t") { if (begun) { out[++count] = word; word = ""; begun = 0 } }
        else if (c == "\047" || c == "\"") { quote = c; begun = 1 }
        else if (c == "\\") { i++; word = word substr(line, i, 1); begun = 1 }
        else { word = word c; begun = 1 }
      } else if (c == quote) quote = ""
      else if (c == "\\" && quote == "\"") { i++; word = word substr(line, i, 1) }
      else word = word c
    }
    if (begun) out[++count] = word
    return count
  }
  function base(path) { sub(/.*\//, "", path); return path }

  # reading: nodes open and close, and the linux line of an entry says which of the kernels it boots
  function read_kernels(list,   count, i, entry, pair) {
    count = split(list, entry, " ")
    for (i = 1; i <= count; i++) { split(entry[i], pair, "="); version[pair[1]] = pair[2]; rank[pair[2]] = i }
  }
  function read_default(   word, value) {
    shell_words($0, word); value = substr(word[2], length("default=") + 1)
    # what the trial sets there is no choice of the host
    if (value != "${next_entry}") wanted = value
  }
  function open_node(kind_,   count, i, word) {
    open[++depth] = ++nodes; kind[nodes] = kind_; from[nodes] = NR
    if (kind_ == "block") return
    parent[nodes] = within; place[nodes] = children[within]++
    count = shell_words($0, word); title[nodes] = word[2]
    for (i = 3; i < count; i++) if (word[i] == "--id" || word[i] == "$menuentry_id_option") id[nodes] = word[i + 1]
    if (kind_ == "submenu") within = nodes
  }
  function close_node(   node) {
    if (depth == 0) return
    node = open[depth--]; to[node] = NR
    if (kind[node] == "submenu") within = parent[node]
  }
  function read_linux(path) { if (depth > 0 && kind[open[depth]] == "menuentry") boots[open[depth]] = version[base(path)] }

  # choosing: what the default names on each level of menus, divided by ">" (GRUB manual, "default"); ">>" is the character
  function next_part(   part, c) {
    part = ""
    while (rest != "") {
      c = substr(rest, 1, 1); rest = substr(rest, 2)
      if (c != ">") { part = part c; continue }
      if (substr(rest, 1, 1) != ">") break
      part = part ">"; rest = substr(rest, 2)
    }
    return part
  }
  function is_in(node, menu) { return kind[node] != "block" && parent[node] + 0 == menu }
  # a number, a title or an id; 0 when nothing there is called so
  function child_called(menu, part,   node) {
    for (node = 1; node <= nodes; node++)
      if (is_in(node, menu) && (id[node] == part || title[node] == part || (part ~ /^[0-9]+$/ && place[node] == part + 0))) return node
    return 0
  }
  function first_child(menu,   node) {
    for (node = 1; node <= nodes; node++) if (is_in(node, menu)) return node
    return 0
  }
  function default_entry(   menu, node) {
    menu = 0; rest = wanted == "" ? "0" : wanted
    do {
      node = child_called(menu, next_part())
      # GRUB takes the first where there is no such entry
      if (!node) { node = first_child(menu); rest = "" }
      if (kind[node] != "submenu") return node
      menu = node; if (rest == "") rest = "0"
    } while (1)
  }
  function ordinary_entry(   node, best) {
    best = 0
    for (node = 1; node <= nodes; node++)
      if (kind[node] == "menuentry" && boots[node] != "" && title[node] !~ /recovery|vfio-fleet/ && (!best || rank[boots[node]] < rank[boots[best]])) best = node
    return best
  }

  BEGIN { read_kernels(kernels) }
  /^[ \t]*set default=/ && nodes == 0 { read_default(); next }
  /^[ \t]*menuentry[ \t]/ { open_node("menuentry"); next }
  /^[ \t]*submenu[ \t]/ { open_node("submenu"); next }
  /^[ \t]*function[ \t].*[{][ \t]*$/ { open_node("block"); next }
  /^[ \t]*[}][ \t]*$/ { close_node(); next }
  $1 == "linux" || $1 == "linuxefi" { read_linux($2) }
  END {
    if (wanted == "${saved_entry}") wanted = saved
    chosen = default_entry()
    if (boots[chosen] == "") chosen = ordinary_entry()
    if (chosen) print from[chosen], to[chosen], boots[chosen]
  }'
