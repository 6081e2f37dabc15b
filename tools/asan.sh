# ./dev asan
source tools/suite.sh
need_packages python3
suite asan || give_up "the suite has findings under AddressSanitizer or UBSan"
proved "$(cases_passed "$SUITE_LOG") tests ran under AddressSanitizer and UBSan without a finding"
