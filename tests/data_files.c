#include "tests/data_files.h"

#include <ftw.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

void bytes_add(test_bytes *to, const void *bytes, size_t size)
{
    unsigned char *more = realloc(to->bytes, to->size + size + 1);
    assert_non_null(more);
    if (size > 0)
        memcpy(more + to->size, bytes, size);
    to->bytes = more;
    to->size += size;
}

void folder_make(char path[64])
{
    const char *base = getenv("TMPDIR");
    snprintf(path, 64, "%.40s/gradus-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void folder_remove(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void file_write(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void file_write_packed(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
}

test_bytes idx_bytes(int rank, const uint32_t *dim, const uint8_t *values)
{
    test_bytes to = {0};
    unsigned char head[4] = {0, 0, 8, (unsigned char)rank};
    size_t count = 1;
    bytes_add(&to, head, 4);
    for (int i = 0; i < rank; i++) {
        unsigned char big[4] = {(unsigned char)(dim[i] >> 24), (unsigned char)(dim[i] >> 16),
                                (unsigned char)(dim[i] >> 8), (unsigned char)dim[i]};
        bytes_add(&to, big, 4);
        count *= dim[i];
    }
    bytes_add(&to, values, count);
    return to;
}

test_bytes npy_bytes(int version, const char *descr, const char *shape, const void *values,
                     size_t size)
{
    test_bytes to = {0};
    char header[256];
    unsigned char magic[8] = {0x93, 'N', 'U', 'M', 'P', 'Y', (unsigned char)version, 0};
    int length = snprintf(header, sizeof header,
                          "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape);
    unsigned char little[4] = {(unsigned char)length, (unsigned char)(length >> 8), 0, 0};
    bytes_add(&to, magic, 8);
    bytes_add(&to, little, version == 1 ? 2 : 4);
    bytes_add(&to, header, (size_t)length);
    bytes_add(&to, values, size);
    return to;
}

test_bytes png_bytes(int width, int height, int channels, const uint8_t *pixels)
{
    static const png_uint_32 format[] = {PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB,
                                         PNG_FORMAT_RGBA};
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = format[channels - 1]};
    png_alloc_size_t size = 0;
    test_bytes to = {0};
    assert_true(png_image_write_to_memory(&image, NULL, &size, 0, pixels, 0, NULL));
    to.bytes = malloc(size);
    assert_non_null(to.bytes);
    assert_true(png_image_write_to_memory(&image, to.bytes, &size, 0, pixels, 0, NULL));
    to.size = size;
    return to;
}

test_bytes jpeg_bytes(int width, int height, int channels, const uint8_t *pixels)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    test_bytes to = {0};
    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = channels;
    jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < height; y++) {
        uint8_t line[256];
        JSAMPROW row = line;
        assert_true(width * channels <= (int)sizeof line);
        memcpy(line, pixels + (ptrdiff_t)y * width * channels, (size_t)(width * channels));
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    bytes_add(&to, bytes, size);
    free(bytes);
    return to;
}

test_bytes safetensors_bytes(const char *header, size_t size)
{
    test_bytes to = {0};
    unsigned char prefix[8] = {0};
    size_t length = strlen(header);
    for (int i = 0; i < 8; i++)
        prefix[i] = (unsigned char)((uint64_t)length >> 8 * i);
    bytes_add(&to, prefix, 8);
    bytes_add(&to, header, length);
    for (size_t i = 0; i < size; i++)
        bytes_add(&to, "", 1);
    return to;
}

uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13; /* Marsaglia's xorshift */
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}
