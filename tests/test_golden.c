/* Golden numbers, computed independently, against our operators, plans and optimisers. */
#include "tests/golden_suite.h"

int main(void)
{
    return golden_suite("build/golden-wrong.json");
}
