/* Step differences of a chunk from any bytes: refused, or ascending steps that encode to the same
 * again. */
#include "store/chunk.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t first = 0;
    uint64_t steps[CHUNK_POINTS];
    uint64_t back[CHUNK_POINTS];
    uint8_t bytes[CHUNK_STEPS_BYTES];
    if (size < 2 + sizeof first)
        return 0;
    int64_t count = 1 + (data[0] | data[1] << 8) % CHUNK_POINTS;
    memcpy(&first, data + 2, sizeof first);
    data += 2 + sizeof first;
    size -= 2 + sizeof first;
    if (!chunk_decode_steps(size ? data : NULL, size, first, count, steps))
        return 0;
    for (int64_t i = 1; i < count; i++)
        if (steps[i] <= steps[i - 1])
            abort();
    size_t used = chunk_encode_steps(steps, count, bytes);
    if (!chunk_decode_steps(used ? bytes : NULL, used, first, count, back) ||
        memcmp(steps, back, (size_t)count * sizeof *steps) != 0)
        abort();
    return 0;
}
