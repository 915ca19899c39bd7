#!/usr/bin/env bash
# All checks and tests of the project, the same for people and CI: installs what they need, builds, checks, runs, says how many passed.
#
#   hil-tests/run.sh             formatting, lints, every test (real peers on free loopback ports, in temporary folders)
#   hil-tests/run.sh --quick     the same without the long whole-box scenarios
#   hil-tests/run.sh --full      every test as a campaign: 200 kills, an object of 3.9 GiB
#   hil-tests/run.sh --bench     figures instead of tests (receiving and forwarding beside Orthanc and DCMTK); nothing passes or fails
#   hil-tests/run.sh --coverage  which lines of the server's crates the tests run, authentication apart, and what nothing runs
#   hil-tests/run.sh --install   only installs
#
# For Debian with Rust; Debian packages are installed as root or through sudo. Tests of full and failing disks need root.
# A test that fails here is run once more; one that passes then counts as passed and is listed as flaky, to be looked into.
# Last line: "N passed, N failed". Exit status 0 only if nothing failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly WORK=hil-tests/.work
readonly NEXTEST_VERSION=0.9.143
readonly STORESCU_VERSION=0.10.1
readonly LLVM_COV_VERSION=0.9.1
MODE=${1:-}
TEMPORARY=
PASSED=0
FAILED=0

say() { printf '\n== %s\n' "$*"; }

# ---- what the tests need

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else echo "not root and no sudo: cannot run $*" >&2; return 1
  fi
}

# Prints the Debian packages whose files are missing.
missing_packages() {
  local package file
  while read -r package file; do
    compgen -G "$file" >/dev/null || echo "$package"
  done <<'PACKAGES'
build-essential /usr/bin/cc
dcmtk /usr/bin/storescu
dicom3tools /usr/bin/dciodvfy
orthanc /usr/sbin/Orthanc
orthanc-dicomweb /usr/share/orthanc/plugins/libOrthancDicomWeb.so
prometheus /usr/bin/promtool
oathtool /usr/bin/oathtool
jq /usr/bin/jq
poppler-utils /usr/bin/pdftotext
zbar-tools /usr/bin/zbarimg
libnss3-tools /usr/bin/certutil
pebble /usr/bin/pebble
systemd /usr/bin/systemd-analyze
python3-venv /usr/lib/python3*/ensurepip
util-linux /usr/bin/setpriv
chromium /usr/bin/chromium
e2fsprogs /sbin/mkfs.ext4
binutils-arm-none-eabi /usr/bin/arm-none-eabi-size
gcc-aarch64-linux-gnu /usr/bin/aarch64-linux-gnu-gcc
libc6-dev-arm64-cross /usr/aarch64-linux-gnu/include/stdio.h
PACKAGES
}

# Installs Debian packages without starting the services that some of them bring.
install_packages() {
  local policy=/usr/sbin/policy-rc.d ours=no
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    ours=yes
  fi
  local status=0
  as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" || status=$?
  if [ $ours = yes ]; then as_root rm -f $policy; fi
  return $status
}

install_all() {
  local packages free
  free=$(df --output=avail -B1G . | tail -1)
  if [ "$free" -lt 10 ]; then say "only $((free)) GB are free here; what a first run builds and writes is about 10 GB"; fi
  mapfile -t packages < <(missing_packages)
  if [ ${#packages[@]} -gt 0 ]; then
    say "installing ${packages[*]}"
    install_packages "${packages[@]}"
  fi
  mkdir -p $WORK
  if ! cmp -s hil-tests/requirements.txt $WORK/venv/requirements.txt; then
    say "making the Python environment"
    rm -rf $WORK/venv
    /usr/bin/python3 -m venv $WORK/venv
    $WORK/venv/bin/pip install -q --disable-pip-version-check -r hil-tests/requirements.txt
    cp hil-tests/requirements.txt $WORK/venv/requirements.txt
  fi
  if ! cargo nextest --version >/dev/null 2>&1; then
    say "installing cargo-nextest"
    install_tool cargo-nextest $NEXTEST_VERSION
  fi
  if [ ! -x $WORK/tools/bin/dicom-storescu ]; then
    say "installing dicom-storescu"
    install_tool dicom-storescu $STORESCU_VERSION
  fi
  if [ ! -e $WORK/data/odd/manifest.jsonl ]; then
    $WORK/venv/bin/python hil-tests/bench/gen_dicom.py $WORK/data/odd.new odd
    rm -rf $WORK/data/odd
    mv $WORK/data/odd.new $WORK/data/odd
  fi
}

# A program from crates.io, into our own folder.
install_tool() {
  cargo install --quiet --locked --root $WORK/tools --target-dir $WORK/tools/build --version "$2" "$1"
  rm -rf $WORK/tools/build
}

# ---- checks

check() {
  local what=$1
  shift
  say "$what"
  if "$@"; then
    PASSED=$((PASSED + 1))
  else
    echo "FAILED: $what"
    FAILED=$((FAILED + 1))
  fi
}

# The panel's core for microcontrollers without and with floating point: at most 64 KiB of flash, and with its picture at most 16 KiB of RAM, of
# which 8 KiB are the stack's (panel_stack). Sizes are those of the sections.
panel_sizes() {
  local target flash ram
  rustup target list --installed 2>/dev/null | grep -q thumbv6m-none-eabi || rustup target add thumbv6m-none-eabi thumbv7em-none-eabihf
  for target in thumbv6m-none-eabi thumbv7em-none-eabihf; do
    (cd firmware/mcu && cargo build --release --locked --target $target --target-dir "$OLDPWD/$WORK/mcu") || return 1
    read -r flash ram < <(arm-none-eabi-size -A $WORK/mcu/$target/release/relaypacs-panel-mcu |
      awk '$1 ~ /^\.(vectors|text|rodata|data)$/ {flash += $2} $1 ~ /^\.(data|bss)$/ {ram += $2} END {print flash, ram}')
    echo "size on $target: $flash bytes of flash, $ram bytes of static RAM"
    [ "$flash" -gt 0 ] && [ "$flash" -le 65536 ] && [ "$ram" -le 8192 ] || return 1
  done
}

# How deep the stack of the same program goes while frames and keys are played to it: firmware/mcu/src/stack.rs. Without an emulator it is left
# out.
panel_stack() {
  local target=thumbv6m-none-eabi said
  command -v qemu-system-arm >/dev/null || { echo "no qemu-system-arm: left out"; return 0; }
  (cd firmware/mcu && cargo build --release --locked --features stack --target $target --target-dir "$OLDPWD/$WORK/mcu-stack") || return 1
  said=$(timeout 300 qemu-system-arm -M netduino2 -nographic -semihosting -kernel $WORK/mcu-stack/$target/release/relaypacs-panel-mcu 2>&1)
  echo "$said"
  [[ $said =~ ^stack\ ([0-9]+)\ bytes ]] && [ "${BASH_REMATCH[1]}" -le 8192 ]
}

# Both programs for the boards that most boxes are.
arm64_programs() {
  local target=aarch64-unknown-linux-gnu
  rustup target list --installed 2>/dev/null | grep -q $target || rustup target add $target
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    cargo build --locked --target $target -p relaypacs -p relaypacs-panel --bins
}

# The web page: what npm installs, types against the box's contract, style, words, tests with their coverage, sizes.
web_checks() {
  say "web page: packages"
  export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
  if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null; then
    echo "FAILED: the web page needs Node.js 20.19 or newer with npm"
    FAILED=$((FAILED + 1))
    return
  fi
  if ! cmp -s web-ui/package-lock.json $WORK/web-ui.lock || [ ! -d web-ui/node_modules ]; then
    npm --prefix web-ui install --no-save --no-audit --no-fund --prefer-offline
    cp web-ui/package-lock.json $WORK/web-ui.lock
  fi
  check "web page: its types are those of the contract" npm --prefix web-ui run -s gen:check
  check "web page: types" npm --prefix web-ui run -s types
  check "web page: lints" npm --prefix web-ui run -s lint
  check "web page: words in every language" npm --prefix web-ui run -s i18n:check
  check "web page: tests, lines covered" npm --prefix web-ui run -s coverage -- --retry=1
  say "web page: build"
  npm --prefix web-ui run -s build >$TEMPORARY/web-ui.log 2>&1 || { cat $TEMPORARY/web-ui.log; FAILED=$((FAILED + 1)); return; }
  rm -f $TEMPORARY/web-ui.log
  export RELAYPACS_WEB_UI_DIST=$PWD/web-ui/dist
  check "web page: sizes" npm --prefix web-ui run -s size
}

# Runs nextest and adds its counts. A run that ends without a summary (it did not build) counts as one failure.
run_tests() {
  say "tests"
  local log=$TEMPORARY/nextest.log status=0 run passed
  cargo nextest run --workspace --locked --retries 1 "$@" 2>&1 | tee "$log" || status=$?
  # "Summary [ 1.2s] 7 tests run: 5 passed (1 slow), 2 failed, 0 skipped"; "5/7 tests run" when interrupted
  run=$(sed -nE 's#^ *Summary .* ([0-9]+/)?([0-9]+) tests? run:.*#\2#p' "$log" | tail -1)
  passed=$(sed -nE 's#^ *Summary .* tests? run: ([0-9]+) passed.*#\1#p' "$log" | tail -1)
  PASSED=$((PASSED + ${passed:-0}))
  FAILED=$((FAILED + ${run:-1} - ${passed:-0}))
  if [ $status -ne 0 ] && [ $FAILED -eq 0 ]; then FAILED=1; fi
}

# The end, however it comes: the tests' own processes are gone by then (they kill by pid, and the kernel does should a test be killed);
# folders of failed tests stay for a look.
finish() {
  local status=$?
  if [ -n "$TEMPORARY" ]; then
    rm -f "$TEMPORARY/nextest.log"
    rmdir "$TEMPORARY" 2>/dev/null || echo "kept for a look: $TEMPORARY"
  fi
  if [ $status -ne 0 ] && [ $FAILED -eq 0 ]; then FAILED=1; fi
  printf '\n%d passed, %d failed\n' $PASSED $FAILED
  [ $FAILED -eq 0 ] || status=1
  exit $status
}

# The reader of what the programs count: rustup's, else Debian's of the version that this compiler writes.
install_llvm_tools() {
  rustup component add llvm-tools && return
  local llvm
  llvm=$(rustc -vV | sed -nE 's/^LLVM version: ([0-9]+).*/\1/p')
  [ -x "/usr/bin/llvm-cov-$llvm" ] || install_packages "llvm-$llvm"
  export LLVM_COV=/usr/bin/llvm-cov-$llvm LLVM_PROFDATA=/usr/bin/llvm-profdata-$llvm
}

# Runs every test on programs that count which of their lines run, then says what they counted. They count in mapped files, so that a box
# that is killed loses nothing; at most four files a program, so that thousands of processes do not fill the disk.
coverage() {
  say "coverage"
  cargo llvm-cov --version >/dev/null 2>&1 || install_tool cargo-llvm-cov $LLVM_COV_VERSION
  install_llvm_tools
  export CARGO_TARGET_DIR=$PWD/$WORK/coverage CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
  export LLVM_PROFILE_FILE_NAME=relaypacs-%4m%c.profraw
  if [[ ${RUSTC_WRAPPER:-} == *cargo-llvm-cov ]]; then unset RUSTC_WRAPPER; fi # else it would call itself without end
  # shellcheck disable=SC1090
  source <(cargo llvm-cov show-env --sh)
  export __CARGO_LLVM_COV_RUSTC_WRAPPER_RUSTFLAGS+=$'\x1f'-Cllvm-args=-runtime-counter-relocation
  cargo llvm-cov clean --workspace
  cargo build --workspace --bins --locked
  run_tests "$@"
  cargo llvm-cov report --json --failure-mode all --output-path "$CARGO_TARGET_DIR/coverage.json"
  check "lines covered" $WORK/venv/bin/python hil-tests/bench/coverage.py "$CARGO_TARGET_DIR/coverage.json"
}

# ---- main

case $MODE in
  '' | --quick | --full | --bench | --coverage | --install) ;;
  *) sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
export PATH="$PWD/$WORK/tools/bin:$PATH"
# What a build keeps to be faster next time fills the disk of a machine that builds once.
if [ "$MODE" != --quick ]; then export CARGO_INCREMENTAL=0; fi

if [ "$MODE" = --install ]; then
  install_all
  exit 0
fi
if [ "$MODE" = --bench ]; then
  install_all
  cargo build --release --locked -p relaypacs -p relaypacs-panel -p relaypacs-hil-tests --bins
  cargo build --release --locked -p relaypacs-clinic --example fill_statistics
  $WORK/venv/bin/python hil-tests/bench/figures.py
  if [ -d web-ui/node_modules ]; then
    say "web page: Lighthouse, median of three"
    RELAYPACS_BIN=${CARGO_TARGET_DIR:-$PWD/target}/release/relaypacs LIGHTHOUSE=3 npm --prefix web-ui run -s lighthouse
  fi
  exit 0
fi

trap finish EXIT
install_all
TEMPORARY=$(mktemp -d "${TMPDIR:-/tmp}/relaypacs-hil.XXXXXX")
export RELAYPACS_HIL_TMP=$TEMPORARY

filter=()
if [ "$(id -u)" != 0 ]; then
  say "not root: the tests of full and failing disks (needs_root) are left out"
  filter=(-E 'not test(needs_root::)')
fi
if [ "$MODE" = --coverage ]; then
  coverage "${filter[@]}"
  exit 0
fi

check "formatting" cargo fmt --all --check
web_checks
check "lints" cargo clippy --workspace --all-targets --locked -- -D warnings
if cargo deny --version >/dev/null 2>&1; then
  check "dependencies" cargo deny --offline --config .cargo/deny.toml check bans licenses sources
fi
check "panel on microcontrollers" panel_sizes
check "panel on microcontrollers: stack" panel_stack
check "programs for arm64" arm64_programs
say "build"
cargo build --workspace --bins --locked
if [ "$MODE" != --quick ] && [ -d web-ui/node_modules ]; then
  check "web page: in the browser against the box and Orthanc" npm --prefix web-ui run -s e2e -- --retries=1
fi
case $MODE in
  --quick) run_tests --profile quick "${filter[@]}" ;;
  --full) HIL_KILLS=200 HIL_LARGE_MIB=3990 run_tests --profile full "${filter[@]}" ;;
  *) run_tests "${filter[@]}" ;;
esac
