# Packages of npm and PyPI that tests and demo use: pinned under tests/, installed under build/, kept between runs.
# Each function returns 0 when everything is there, 75 when the registry could not be reached, 1 on any other failure.

UNREACHABLE=75
NO_NETWORK='ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT'
NO_NETWORK+='|NewConnectionError|ConnectTimeoutError|NameResolutionError|ProxyError|Network is unreachable|Temporary failure in name'

# The log of a step decides whether a failure was the network's.
network_failed() { grep -qE "$NO_NETWORK" "$1"; }

# node_packages FOLDER: what FOLDER/package-lock.json pins is in build/packages/FOLDER's name/node_modules
node_packages() {
  local name dir
  name=$(basename "$1") dir=$PACKAGES/$(basename "$1")
  if [ -f "$dir/.stamp" ] && cmp -s "$1/package-lock.json" "$dir/.stamp"; then return 0; fi
  need_node
  mkdir -p "$dir"
  cp "$1/package.json" "$1/package-lock.json" "$1/.npmrc" "$dir/"
  if STEP_SKIPS_ON=1 step "installing npm packages ($name)" npm_ci "$dir"; then
    cp "$1/package-lock.json" "$dir/.stamp"
    return 0
  fi
  explain_failure "npm" "$name"
}
npm_ci() { npm ci --prefix "$1" --no-audit --no-fund --ignore-scripts --fetch-retries=1 --fetch-timeout=60000 --loglevel=warn; }

# python_packages FOLDER: what FOLDER/requirements.txt pins is in a virtual environment, build/packages/python for
# tests/upstreams and build/packages/python-NAME for any other
python_packages() {
  local dir=$PACKAGES/python
  [ "$1" = tests/upstreams ] || dir+=-$(basename "$1")
  if [ -f "$dir/.stamp" ] && cmp -s "$1/requirements.txt" "$dir/.stamp"; then return 0; fi
  need_packages python3 python3-venv
  if STEP_SKIPS_ON=1 step "installing Python packages ($(basename "$1"))" pip_install "$dir" "$1/requirements.txt"; then
    cp "$1/requirements.txt" "$dir/.stamp"
    return 0
  fi
  explain_failure "PyPI" "$(basename "$1")"
}
pip_install() {
  [ -x "$1/bin/pip" ] || python -m venv "$1"
  "$1/bin/pip" install --no-input --disable-pip-version-check --retries 1 --timeout 60 --no-deps --progress-bar off -r "$2" \
    && "$1/bin/pip" check
}

explain_failure() {
  if network_failed "$STEP_LOG"; then
    result_line '–' "$YELLOW" "$1 packages ($2)" "$STEP_MS" "$1 cannot be reached"
    return $UNREACHABLE
  fi
  result_line '✗' "$RED" "$1 packages ($2)" "$STEP_MS" "could not be installed"
  tail -n 20 "$STEP_LOG" | sed 's/^/    │ /'
  return 1
}

PACKAGES=$PWD/build/packages
case $BUILD in /*) PACKAGES=$BUILD/packages ;; esac
