# ./dev tsan
source tools/suite.sh
suite tsan || give_up "the suite has findings under ThreadSanitizer"
proved "$(cases_passed "$SUITE_LOG") tests ran under ThreadSanitizer without a finding"
