#include "tests/onnx_proto.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- fields -------------------------------------------------------------------------------------
 */

typedef struct {
    unsigned number, wire;
    uint64_t value;    /* wire 0, 1, 5 */
    proto_bytes bytes; /* wire 2 */
} proto_field;

static bool read_varint(proto_bytes *from, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && from->at < from->end; shift += 7) {
        unsigned char byte = *from->at++;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

static bool read_fixed(proto_bytes *from, size_t size, uint64_t *value)
{
    if ((size_t)(from->end - from->at) < size)
        return false;
    *value = 0;
    memcpy(value, from->at, size); /* both little-endian */
    from->at += size;
    return true;
}

/* The next field; false at the end and, with *broken set, where the bytes are wrong. */
static bool next_field(proto_bytes *from, proto_field *field, bool *broken)
{
    uint64_t key, length;
    if (from->at >= from->end)
        return false;
    *broken = true;
    if (!read_varint(from, &key) || key >> 32)
        return false;
    *field = (proto_field){.number = (unsigned)(key >> 3), .wire = (unsigned)(key & 7)};
    switch (field->wire) {
    case 0:
        *broken = !read_varint(from, &field->value);
        break;
    case 1:
        *broken = !read_fixed(from, 8, &field->value);
        break;
    case 2:
        if (read_varint(from, &length) && length <= (uint64_t)(from->end - from->at)) {
            field->bytes = (proto_bytes){from->at, from->at + length};
            from->at += length;
            *broken = false;
        }
        break;
    case 5:
        *broken = !read_fixed(from, 4, &field->value);
        break;
    default:
        break;
    }
    return !*broken;
}

static proto_text text_of(proto_bytes bytes)
{
    return (proto_text){(const char *)bytes.at, (size_t)(bytes.end - bytes.at)};
}

bool proto_same(proto_text a, proto_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.text, b.text, a.length) == 0);
}

static float float_of(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* --- tensors ------------------------------------------------------------------------------------
 */

/* TensorProto.DataType; ONNX_TYPES: not for us. */
static onnx_type type_of(uint64_t code)
{
    static const onnx_type types[] = {
        ONNX_TYPES, ONNX_FLOAT, ONNX_UINT8, ONNX_INT8,    ONNX_UINT16, ONNX_INT16,  ONNX_INT32,
        ONNX_INT64, ONNX_TYPES, ONNX_BOOL,  ONNX_FLOAT16, ONNX_DOUBLE, ONNX_UINT32, ONNX_UINT64};
    return code < sizeof types / sizeof *types ? types[code] : ONNX_TYPES;
}

static double half_of(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023) / 1024, sign = bits >> 15 & 1 ? -1 : 1;
    if (exponent == 31)
        return bits & 1023 ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexp(1 + fraction, exponent - 15) : ldexp(fraction, -14));
}

static size_t size_of(onnx_type type)
{
    static const size_t size[ONNX_TYPES] = {4, 8, 2, 1, 2, 4, 8, 1, 2, 4, 8, 1};
    return size[type];
}

/* The number that `bits` (of a raw value or a repeated field) mean in `type`. */
static double number_of(onnx_type type, uint64_t bits)
{
    switch (type) {
    case ONNX_FLOAT:
        return (double)float_of(bits);
    case ONNX_DOUBLE:
        return double_of(bits);
    case ONNX_FLOAT16:
        return half_of(bits);
    case ONNX_INT8:
        return (double)(int8_t)bits;
    case ONNX_INT16:
        return (double)(int16_t)bits;
    case ONNX_INT32:
        return (double)(int32_t)bits;
    case ONNX_INT64:
        return (double)(int64_t)bits;
    default:
        return (double)bits;
    }
}

typedef struct {
    nn_shape shape;
    onnx_type type;
    proto_text name;
    proto_bytes raw;
    int64_t count; /* of the repeated fields */
    bool odd;
} tensor_head;

static bool add_dims(const proto_field *field, tensor_head *head)
{
    proto_bytes list = field->bytes;
    uint64_t value = field->value;
    if (field->wire == 2 && list.at == list.end)
        return true;
    do {
        if (field->wire == 2 && !read_varint(&list, &value))
            return false;
        if (head->shape.rank == NN_MAX_DIMS) {
            head->odd = true;
            return true;
        }
        head->shape.dim[head->shape.rank++] = (int64_t)value;
    } while (field->wire == 2 && list.at < list.end);
    return true;
}

static bool read_head(proto_bytes bytes, tensor_head *head)
{
    proto_field field;
    bool broken = false;
    *head = (tensor_head){.type = ONNX_TYPES};
    while (next_field(&bytes, &field, &broken)) {
        if (field.number == 1 && !add_dims(&field, head))
            return false;
        if (field.number == 2)
            head->type = type_of(field.value);
        if (field.number == 8)
            head->name = text_of(field.bytes);
        if (field.number == 9 && field.wire == 2)
            head->raw = field.bytes;
    }
    head->odd |= head->type == ONNX_TYPES;
    return !broken;
}

static bool fill_raw(proto_bytes raw, onnx_tensor *tensor)
{
    size_t size = size_of(tensor->type);
    if ((size_t)(raw.end - raw.at) != (size_t)tensor->count * size)
        return false;
    for (int64_t i = 0; i < tensor->count; i++) {
        uint64_t bits = 0;
        if (!read_fixed(&raw, size, &bits))
            return false;
        tensor->data[i] = (float)number_of(tensor->type, bits);
    }
    return true;
}

/* float_data 4, int32_data 5, int64_data 7, double_data 10, uint64_data 11; packed or not. */
static bool add_numbers(const proto_field *field, onnx_tensor *tensor, int64_t *filled)
{
    proto_bytes list = field->bytes;
    bool packed = field->wire == 2;
    while (!packed || list.at < list.end) {
        uint64_t bits = field->value;
        bool good = !packed || (field->number == 4    ? read_fixed(&list, 4, &bits)
                                : field->number == 10 ? read_fixed(&list, 8, &bits)
                                                      : read_varint(&list, &bits));
        if (!good || *filled >= tensor->count)
            return false;
        tensor->data[(*filled)++] = (float)number_of(tensor->type, bits);
        if (!packed)
            break;
    }
    return true;
}

static bool fill_numbers(proto_bytes bytes, onnx_tensor *tensor)
{
    proto_field field;
    bool broken = false;
    int64_t filled = 0;
    while (next_field(&bytes, &field, &broken)) {
        unsigned n = field.number;
        if ((n == 4 || n == 5 || n == 7 || n == 10 || n == 11) &&
            !add_numbers(&field, tensor, &filled))
            return false;
    }
    return !broken && filled == tensor->count;
}

bool proto_read_tensor(proto_bytes bytes, onnx_tensor *tensor, proto_text *name, bool *odd)
{
    tensor_head head;
    nn_error error;
    *tensor = (onnx_tensor){.present = false};
    *odd = false;
    if (!read_head(bytes, &head))
        return false;
    *name = head.name;
    if (head.odd) {
        *odd = true;
        return true;
    }
    if (onnx_tensor_new(tensor, head.type, head.shape, "tensor", &error) != NN_OK)
        return false;
    bool good = head.raw.at && head.raw.end > head.raw.at ? fill_raw(head.raw, tensor)
                                                          : fill_numbers(bytes, tensor);
    if (!good)
        onnx_tensor_free(tensor);
    return good;
}

/* --- models -------------------------------------------------------------------------------------
 */

static void copy_name(proto_text from, char to[ONNX_NAME])
{
    size_t length = from.length < ONNX_NAME ? from.length : ONNX_NAME - 1;
    if (length)
        memcpy(to, from.text, length);
    to[length] = '\0';
}

static bool add_number(onnx_attribute *attribute, double number, bool *odd)
{
    if (attribute->numbers == ONNX_LIST)
        *odd = true;
    else
        attribute->number[attribute->numbers++] = number;
    return true;
}

/* ints 8, floats 7; packed or not. */
static bool add_list(const proto_field *field, onnx_attribute *attribute, bool *odd)
{
    proto_bytes list = field->bytes;
    bool real = field->number == 7;
    attribute->list = true;
    if (field->wire != 2)
        return add_number(
            attribute, real ? (double)float_of(field->value) : (double)(int64_t)field->value, odd);
    while (list.at < list.end) {
        uint64_t bits;
        if (!(real ? read_fixed(&list, 4, &bits) : read_varint(&list, &bits)))
            return false;
        add_number(attribute, real ? (double)float_of(bits) : (double)(int64_t)bits, odd);
    }
    return true;
}

static bool add_field(const proto_field *field, onnx_attribute *attribute, proto_node *node)
{
    switch (field->number) {
    case 1:
        copy_name(text_of(field->bytes), attribute->name);
        return true;
    case 2:
        return add_number(attribute, (double)float_of(field->value), &node->odd);
    case 3:
        return add_number(attribute, (double)(int64_t)field->value, &node->odd);
    case 9:
        attribute->list = true; /* fall through */
    case 4:
        if (attribute->words == ONNX_WORDS)
            node->odd = true;
        else
            copy_name(text_of(field->bytes), attribute->word[attribute->words++]);
        return true;
    case 5:
        node->value = field->bytes;
        return true;
    case 7:
    case 8:
        return add_list(field, attribute, &node->odd);
    case 6:
    case 10:
    case 11:
        node->odd = true;
        return true;
    default:
        return true;
    }
}

static bool read_attribute(proto_bytes bytes, proto_node *node)
{
    proto_field field;
    bool broken = false;
    uint64_t type = 0;
    if (node->attributes == ONNX_ATTRIBUTES) {
        node->odd = true;
        return true;
    }
    onnx_attribute *attribute = &node->attribute[node->attributes++];
    *attribute = (onnx_attribute){.list = false};
    while (next_field(&bytes, &field, &broken)) {
        if (field.number == 20)
            type = field.value;
        else if (!add_field(&field, attribute, node))
            return false;
    }
    attribute->list = type == 6 || type == 7 || type == 8;
    return !broken;
}

static void add_name(proto_text *names, int *count, proto_text name, bool *odd)
{
    if (*count == PROTO_NAMES)
        *odd = true;
    else
        names[(*count)++] = name;
}

static bool read_node(proto_bytes bytes, proto_node *node)
{
    proto_field field;
    bool broken = false;
    while (next_field(&bytes, &field, &broken)) {
        proto_text text = field.wire == 2 ? text_of(field.bytes) : (proto_text){"", 0};
        if (field.number == 1)
            add_name(node->input, &node->inputs, text, &node->odd);
        if (field.number == 2)
            add_name(node->output, &node->outputs, text, &node->odd);
        if (field.number == 4)
            node->op = text;
        if (field.number == 5 && !read_attribute(field.bytes, node))
            return false;
        if (field.number == 7)
            node->domain = text;
    }
    return !broken;
}

/* TypeProto: is it a tensor's (field 1)? */
static bool is_tensor_type(proto_bytes bytes)
{
    proto_field field;
    bool broken = false;
    return next_field(&bytes, &field, &broken) && field.number == 1;
}

/* ValueInfoProto: its name, and whether it is a tensor. */
static bool read_value(proto_bytes bytes, proto_text *names, int *count, bool *odd)
{
    proto_field field;
    bool broken = false;
    while (next_field(&bytes, &field, &broken)) {
        if (field.number == 1 && field.wire == 2 && *count < PROTO_NAMES)
            names[(*count)++] = text_of(field.bytes);
        if (field.number == 2 && field.wire == 2)
            *odd |= !is_tensor_type(field.bytes);
    }
    return !broken;
}

static bool read_graph(proto_bytes bytes, proto_model *model)
{
    proto_field field;
    bool broken = false;
    while (next_field(&bytes, &field, &broken)) {
        if (field.wire != 2)
            continue;
        bool good = true;
        if (field.number == 1)
            good =
                model->nodes < PROTO_NODES && read_node(field.bytes, &model->node[model->nodes++]);
        if (field.number == 5 && model->initialisers < PROTO_TENSORS)
            model->initialiser[model->initialisers++] = field.bytes;
        if (field.number == 11)
            good = read_value(field.bytes, model->input, &model->inputs, &model->odd);
        if (field.number == 12)
            good = read_value(field.bytes, model->output, &model->outputs, &model->odd);
        if (!good)
            return false;
    }
    return !broken;
}

/* OperatorSetIdProto of the default domain. */
static void read_opset(proto_bytes bytes, int64_t *opset)
{
    proto_field field;
    bool broken = false, ours = true;
    int64_t version = 0;
    while (next_field(&bytes, &field, &broken)) {
        if (field.number == 1 && field.wire == 2)
            ours = field.bytes.at == field.bytes.end;
        if (field.number == 2)
            version = (int64_t)field.value;
    }
    if (ours)
        *opset = version;
}

bool proto_read_model(proto_bytes bytes, proto_model *model)
{
    proto_field field;
    bool broken = false;
    memset(model, 0, sizeof *model);
    while (next_field(&bytes, &field, &broken)) {
        if (field.number == 7 && field.wire == 2 && !read_graph(field.bytes, model))
            return false;
        if (field.number == 8 && field.wire == 2)
            read_opset(field.bytes, &model->opset);
    }
    return !broken && model->nodes > 0;
}
