# ./dev profile: measures which paths calls take, for the layout of release builds (cmake/profile.proftext)
need_packages "${BUILD_PACKAGES[@]}"
configure_training() { cmake --preset release -B "$BUILD/train" -DCALLGATE_TRAIN=ON; }
configured train || step "configuring (train)" configure_training || give_up "the configuration failed"
step "building (train)" compile train callgate bench-load bench-upstream bench-relay || give_up "the build failed"
raw=$(mktemp -d)
train() {
  LLVM_PROFILE_FILE="$raw/%p.profraw" python3 -B bench/run.py --callgate "$BUILD/train/callgate" --bin "$BUILD/train/bench" \
    --only callgate --rounds 1 --starts 1 --seconds 2 \
    --scenarios c16_1k,c1_1k,s1000_1k,c16_64k,sse_1k,mix,deny,list,io1_1k,io16_1k,bridge,bridge_up
}
STEP_LOG_NAME=train step "calling tools" train || give_up "the training failed"
llvm-profdata-19 merge -sparse --text -o cmake/profile.proftext "$raw"/*.profraw || give_up "the profile could not be written"
rm -r "$raw"
proved "cmake/profile.proftext is of today: $(grep -c '^# Func Hash' cmake/profile.proftext) functions"
