# ./dev bench [ARGUMENTS]: arguments go to bench/run.py
need_packages "${BUILD_PACKAGES[@]}" nginx
build release callgate bench-load bench-upstream bench-relay || give_up "the build failed"
status=0
python3 -B bench/run.py --callgate "$BUILD/release/callgate" --bin "$BUILD/release/bench" "$@" || status=$?
[ $status = 0 ] || give_up "the measurement found something wrong" $status
proved "measured, and every answer was right"
