# ./dev eval --data DIR [--errors] [--fit FILE]
# The lists of real servers belong to their authors and are not in this tree; DIR is where they are: labels-dev.json, raw/*.json.
[ "${1:-}" = --data ] && [ -n "${2:-}" ] || give_up "say where labels-dev.json and raw/*.json are: ./dev eval --data DIR" 2
[ -f "$2/labels-dev.json" ] || give_up "there is no labels-dev.json in \`$2\`" 2

build release classify_eval callgate
python -B tests/eval/eval.py --program "$BUILD/release/classify_eval" --gate "$BUILD/release/callgate" --bars "$@" || give_up "the classifier is below a bar"
proved "the classifier meets every bar: on servers that rules were written with, and on those that were never looked at"
