# ./dev format [FILE...]
need_packages clang-format-19
if [ $# -gt 0 ]; then files=("$@"); else
  mapfile -t files < <({ git diff --name-only HEAD; git ls-files --others --exclude-standard; } | grep -E '^(src|tests|bench)/.*\.(cpp|hpp)$' | sort -u)
fi
[ ${#files[@]} -gt 0 ] || { proved "no C++ file has changed since the last commit"; exit 0; }
step "formatting ${#files[@]} file(s)" clang-format-19 -i --style=file "${files[@]}" || give_up "clang-format refused"
proved "${#files[@]} file(s) are in the house's format"
