/* Golden numbers, computed independently, against our operators, plans and optimisers, in
 * double: at the exact tolerances of the file. */
#include "tests/golden_suite.h"

int main(void)
{
    return golden_suite("build/golden-wrong-double.json");
}
