# ./dev build [PRESET]
preset=${1:-release}
case $preset in
  release | dev | asan | tsan | fuzz | coverage) ;;
  *) give_up "no preset \`$preset\`; there are release, dev, asan, tsan, fuzz and coverage" 2 ;;
esac
build "$preset" || give_up "the build failed"
if [ -x "$BUILD/$preset/callgate" ]; then
  proved "$("$BUILD/$preset/callgate" --version 2>/dev/null || echo callgate) is built: $BUILD/$preset/callgate"
else
  proved "everything in $BUILD/$preset is built"
fi
