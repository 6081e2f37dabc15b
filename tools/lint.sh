# ./dev lint
need_packages "${BUILD_PACKAGES[@]}"

# A header that compiles alone can be read alone.
header_alone() {
  clang++-19 -fsyntax-only -std=c++23 -Wall -Wextra -Wno-pragma-once-outside-header -DFMT_HEADER_ONLY=1 \
    '-DCALLGATE_VERSION="lint"' -Isrc -Itests -x c++-header "$1"
}
export -f header_alone
headers_alone() { find src -name '*.hpp' -print0 | sort -z | xargs -0 -n 1 -P "$JOBS" bash -c 'header_alone "$0" || { echo "does not compile alone: $0"; exit 1; }'; }
say_headers() { find src -name '*.hpp' | wc -l | sed 's/$/ headers/'; }
# Debug builds compile many files as one, where a file may lean on what another one includes; a release does not.
files_alone() { cmake --preset dev -B "$BUILD/alone" -DCALLGATE_TOGETHER=OFF && ninja -C "$BUILD/alone" -j "$JOBS" callgate; }
say_files() { find src -name '*.cpp' | wc -l | sed 's/$/ files/'; }
say_rules() { tail -n 1 "$1"; }

status=0
STEP_SAYS=say_rules step "the house rules" python -B tests/house/house_test.py || status=1
STEP_SAYS=say_headers step "each header compiles alone" headers_alone || status=1
STEP_SAYS=say_files step "each file compiles alone" files_alone || status=1
[ $status = 0 ] || give_up "the house is not in order"
proved "the house rules are kept, and each header and each file compiles alone"
