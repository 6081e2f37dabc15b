# ./dev soak [ARGUMENTS]: arguments go to bench/soak.py
need_packages "${BUILD_PACKAGES[@]}"
build release callgate bench-load bench-upstream || give_up "the build failed"
status=0
python3 -B bench/soak.py --callgate "$BUILD/release/callgate" --bin "$BUILD/release/bench" "$@" || status=$?
[ $status = 0 ] || give_up "something grew, or an answer was wrong" $status
proved "sessions came and went, every answer was right, and nothing grew"
