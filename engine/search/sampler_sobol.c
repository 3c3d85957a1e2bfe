/* Sobol' points: Sobol' 1967, with the direction numbers of Joe and Kuo 2008 ("Constructing Sobol
 * sequences with better two-dimensional projections", table new-joe-kuo-6). Scrambled as by Owen
 * 1995, in the hashed form of Burley 2020 ("Practical hash-based Owen scrambling"). */
#include "engine/search/sampler_internal.h"

#include "engine/rng.h"

/* Of each dimension but the first: the primitive polynomial (degree, inner coefficients) and the
 * first odd numbers of its recurrence. */
static const struct {
    uint8_t degree, polynomial, first[7];
} directions[NN_SPACE_PARAMS] = {
    {0, 0, {0}},
    {1, 0, {1}},
    {2, 1, {1, 3}},
    {3, 1, {1, 3, 1}},
    {3, 2, {1, 1, 1}},
    {4, 1, {1, 1, 3, 3}},
    {4, 4, {1, 3, 5, 13}},
    {5, 2, {1, 1, 5, 5, 17}},
    {5, 4, {1, 1, 5, 5, 5}},
    {5, 7, {1, 1, 7, 11, 19}},
    {5, 11, {1, 1, 5, 1, 1}},
    {5, 13, {1, 1, 1, 3, 11}},
    {5, 14, {1, 3, 5, 5, 31}},
    {6, 1, {1, 3, 3, 9, 7, 49}},
    {6, 13, {1, 1, 1, 15, 21, 21}},
    {6, 16, {1, 3, 1, 13, 27, 49}},
    {6, 19, {1, 1, 1, 15, 7, 5}},
    {6, 22, {1, 3, 1, 15, 13, 25}},
    {6, 25, {1, 1, 5, 5, 19, 61}},
    {7, 1, {1, 3, 7, 11, 23, 15, 103}},
    {7, 4, {1, 3, 7, 13, 13, 15, 69}},
    {7, 7, {1, 1, 3, 13, 7, 35, 63}},
    {7, 8, {1, 3, 5, 9, 1, 25, 53}},
    {7, 14, {1, 3, 1, 13, 9, 35, 107}},
    {7, 19, {1, 3, 1, 5, 27, 61, 31}},
    {7, 21, {1, 1, 5, 11, 19, 41, 61}},
    {7, 28, {1, 3, 5, 3, 3, 13, 69}},
    {7, 31, {1, 1, 7, 13, 1, 19, 1}},
    {7, 32, {1, 3, 7, 5, 13, 19, 59}},
    {7, 37, {1, 1, 3, 9, 25, 29, 41}},
    {7, 41, {1, 3, 5, 13, 23, 1, 55}},
    {7, 42, {1, 3, 7, 3, 13, 59, 17}},
};

enum { BITS = 32 };

/* The direction numbers of a dimension as binary fractions. */
static void direction_numbers(int dimension, uint32_t numbers[BITS])
{
    int degree = directions[dimension].degree;
    uint32_t polynomial = directions[dimension].polynomial;
    for (int k = 0; k < BITS; k++) {
        if (dimension == 0) {
            numbers[k] = 1u << (BITS - 1 - k);
        } else if (k < degree) {
            numbers[k] = (uint32_t)directions[dimension].first[k] << (BITS - 1 - k);
        } else {
            numbers[k] = numbers[k - degree] ^ numbers[k - degree] >> degree;
            for (int i = 1; i < degree; i++)
                if (polynomial >> (degree - 1 - i) & 1)
                    numbers[k] ^= numbers[k - i];
        }
    }
}

static uint32_t reversed(uint32_t bits)
{
    uint32_t turned = 0;
    for (int i = 0; i < BITS; i++)
        turned |= (bits >> i & 1) << (BITS - 1 - i);
    return turned;
}

/* Each bit is flipped or not depending on the bits above it only: Laine and Karras's hash, with
 * Burley's constants. */
static uint32_t scrambled(uint32_t bits, uint32_t key)
{
    uint32_t x = reversed(bits);
    x ^= x * 0x3d20adeau;
    x += key;
    x *= (key >> 16) | 1;
    x ^= x * 0x05526c56u;
    x ^= x * 0x53a22864u;
    return reversed(x);
}

double nn_sobol(uint32_t index, int dimension, uint64_t seed)
{
    if (dimension < 0 || dimension >= NN_SPACE_PARAMS)
        return 0.5;
    uint32_t numbers[BITS], bits = 0;
    direction_numbers(dimension, numbers);
    for (int k = 0; k < BITS; k++)
        if (index >> k & 1)
            bits ^= numbers[k];
    if (seed)
        bits = scrambled(bits, nn_random(seed, NN_STREAM_SOBOL, 0, (uint32_t)dimension).word[0]);
    return (double)bits / 4294967296.0;
}

nn_point nn_sobol_point(const nn_space *space, uint64_t seed, uint32_t index)
{
    double units[NN_SPACE_PARAMS];
    for (int p = 0; p < space->count; p++)
        units[p] = nn_sobol(index, p, seed ? seed : 1);
    return nn_space_point(space, units);
}
