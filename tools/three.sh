# ./dev three: several gateways that share their state, to look at
need_store
build release callgate || give_up "the build failed"
python3 -B tools/three.py --callgate "$BUILD/release/callgate" "$@"
