/* Formulas for terminals that have ASCII alone: "wᵀx ← w₁·x₁" as "w^Tx <- w1*x1". */
#include "ui/screens/course.h"

#include "ui/terminal/text.h"

#include <string.h>

typedef struct {
    uint32_t from;
    const char *to;
} spelling;

static const spelling spellings[] = {
    {0xB1, "+-"},      {0xB7, "*"},       {0xD7, "x"},       {0x177, "yhat"},   {0x2C6, "^"},
    {0x302, ""},       {0x304, ""},       {0x2026, "..."},   {0x2190, "<-"},    {0x2192, "->"},
    {0x21D2, "=>"},    {0x2202, "d"},     {0x2207, "grad "}, {0x2208, " in "},  {0x2211, "sum "},
    {0x2212, "-"},     {0x220F, "prod "}, {0x221A, "sqrt"},  {0x221D, "~"},     {0x221E, "inf"},
    {0x2016, "||"},    {0x2225, "||"},    {0x2248, "~="},    {0x2260, "!="},    {0x2264, "<="},
    {0x2265, ">="},    {0x2299, " .* "},  {0x2297, " (x) "}, {0x226A, "<<"},    {0x226B, ">>"},
    {0x22C5, "*"},     {0x22EE, ":"},     {0x2308, "ceil("}, {0x2309, ")"},     {0x230A, "floor("},
    {0x230B, ")"},     {0x391, "Alpha"},  {0x393, "Gamma"},  {0x394, "Delta"},  {0x398, "Theta"},
    {0x39B, "Lambda"}, {0x3A0, "prod "},  {0x3A3, "sum "},   {0x3A6, "Phi"},    {0x3A9, "Omega"},
    {0x3B1, "alpha"},  {0x3B2, "beta"},   {0x3B3, "gamma"},  {0x3B4, "delta"},  {0x3B5, "epsilon"},
    {0x3B7, "eta"},    {0x3B8, "theta"},  {0x3BA, "kappa"},  {0x3BB, "lambda"}, {0x3BC, "mu"},
    {0x3BD, "nu"},     {0x3C0, "pi"},     {0x3C1, "rho"},    {0x3C3, "sigma"},  {0x3C4, "tau"},
    {0x3C6, "phi"},    {0x3C7, "chi"},    {0x3C8, "psi"},    {0x3C9, "omega"},
};

/* Low letters and digits stand as they are, high ones after one ^. */
static const spelling low[] = {
    {0x2090, "a"}, {0x2091, "e"}, {0x2092, "o"}, {0x2093, "x"}, {0x2095, "h"}, {0x2096, "k"},
    {0x2097, "l"}, {0x2098, "m"}, {0x2099, "n"}, {0x209A, "p"}, {0x209B, "s"}, {0x209C, "t"},
    {0x1D62, "i"}, {0x1D63, "r"}, {0x1D64, "u"}, {0x1D65, "v"}, {0x2C7C, "j"}, {0x208A, "+"},
    {0x208B, "-"}, {0x208C, "="}, {0x208D, "("}, {0x208E, ")"},
};
static const spelling high[] = {
    {0xB2, "2"},   {0xB3, "3"},   {0xB9, "1"},   {0x2070, "0"}, {0x2071, "i"}, {0x207A, "+"},
    {0x207B, "-"}, {0x207D, "("}, {0x207E, ")"}, {0x207F, "n"}, {0x1D40, "T"}, {0x1D57, "t"},
    {0x1D4F, "k"}, {0x1D50, "m"}, {0x2B2, "j"},  {0x2E1, "l"},  {0x1D38, "L"}, {0x1D48, "d"},
};

static const char *find(const spelling *list, size_t count, uint32_t from)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].from == from)
            return list[i].to;
    return NULL;
}
#define FIND(list, from) find(list, sizeof(list) / sizeof *(list), from)

static const char digits[][2] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

/* NULL: it stays as it is. `above`: it stands high. */
static const char *spell(uint32_t from, bool *above)
{
    *above = FIND(high, from) || (from >= 0x2074 && from <= 0x2079);
    if (from >= 0x2080 && from <= 0x2089)
        return digits[from - 0x2080];
    if (from >= 0x2074 && from <= 0x2079)
        return digits[from - 0x2070];
    const char *to = *above ? FIND(high, from) : FIND(low, from);
    return to ? to : FIND(spellings, from);
}

const char *course_plain(const app *a, const char *text, char *out, size_t size)
{
    size_t used = 0;
    bool raised = false; /* the character before was high: one ^ is enough */
    uint32_t from;
    for (int bytes; size > 0 && (bytes = text_decode(text, &from)) > 0; text += bytes) {
        bool above = false;
        const char *to = a->glyphs == GLYPHS_ASCII && from >= 0x80 ? spell(from, &above) : NULL;
        size_t length = to ? strlen(to) : (size_t)bytes;
        if (used + length + 2 > size)
            break;
        if (above && !raised)
            out[used++] = '^';
        memcpy(out + used, to ? to : text, length);
        used += length;
        raised = above;
    }
    if (size > 0)
        out[used] = '\0';
    return out;
}
