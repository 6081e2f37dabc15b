"""The house rules, checked: layers, sizes, names, and that nothing reaches a server without a permit.

python3 tests/house/house_test.py            every rule, one line each; exit 1 when one is broken
"""
import sys

import layers
import permit
import protocol
import security
import shape
import together


def main():
    passed = failed = 0
    for rule in layers.RULES + shape.RULES + permit.RULES + security.RULES + protocol.RULES + together.RULES:
        faults = list(rule())
        print(f"{'broken' if faults else 'kept':6}  {rule.__doc__}")
        for fault in faults:
            print(f"        {fault}")
        passed, failed = passed + (not faults), failed + bool(faults)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
