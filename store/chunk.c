#include "store/chunk.h"

size_t chunk_encode_steps(const uint64_t *steps, int64_t count, uint8_t *bytes)
{
    size_t used = 0;
    bool consecutive = true;
    for (int64_t i = 1; i < count; i++) {
        uint64_t difference = steps[i] - steps[i - 1];
        consecutive = consecutive && difference == 1;
        for (; difference >= 0x80; difference >>= 7)
            bytes[used++] = (uint8_t)(difference | 0x80);
        bytes[used++] = (uint8_t)difference;
    }
    return consecutive ? 0 : used;
}

bool chunk_decode_steps(const uint8_t *bytes, size_t size, uint64_t first, int64_t count,
                        uint64_t *steps)
{
    size_t at = 0;
    uint64_t step = first;
    for (int64_t i = 0; i < count; i++, step++) {
        if (i > 0 && bytes) {
            uint64_t difference = 0;
            int shift = 0;
            bool more = true;
            for (; more && at < size && shift < 64; shift += 7) {
                more = (bytes[at] & 0x80) != 0;
                difference |= (uint64_t)(bytes[at++] & 0x7F) << shift;
            }
            if (more || difference == 0)
                return false;
            step += difference - 1; /* the loop has added 1 */
        }
        if (i > 0 && step <= steps[i - 1])
            return false; /* ran over the end of 64 bits */
        steps[i] = step;
    }
    return !bytes || at == size;
}

void chunk_little_endian(void *numbers, size_t count, size_t width)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint8_t *bytes = numbers;
    for (size_t i = 0; i < count; i++, bytes += width)
        for (size_t j = 0; j < width / 2; j++) {
            uint8_t swap = bytes[j];
            bytes[j] = bytes[width - 1 - j];
            bytes[width - 1 - j] = swap;
        }
#else
    (void)numbers;
    (void)count;
    (void)width;
#endif
}
