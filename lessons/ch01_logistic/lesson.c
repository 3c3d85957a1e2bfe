/* Chapter 1: one neuron decides yes or no, and one example teaches it something. */
#include "lessons/lab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HERE "lessons/ch01_logistic/lesson.c: "

/* --- the worked example -------------------------------------------------------------------------
 */

static double sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}

/* 0 where the factor is 0, whatever the logarithm. */
static double times_log(double factor, double x)
{
    return factor == 0 ? 0 : factor * log(x);
}

static double loss_of(double a, double y)
{
    return -(times_log(y, a) + times_log(1 - y, 1 - a));
}

/* As engine/ops/loss_binary.c has it: no logarithm of 0 whatever the score. */
static double stable_loss(double z, double y)
{
    return fmax(z, 0) - z * y + log1p(exp(-fabs(z)));
}

typedef struct {
    double x[2], w[2], y, b, rate, z, a, dz, dw[2], db;
} student;

static void give(lesson_trace *t, student *s)
{
    trace_inputs(t, .name = "x", .values = s->x, .rows = 2, .least = -100, .most = 100,
                 .what = {"hours studied, hours slept", "공부 시간, 수면 시간"});
    s->y = trace_input(t, .name = "y", .value = 1, .most = 1, .whole = true,
                       .what = {"1: she passed, 0: she failed", "1: 합격, 0: 불합격"});
    trace_inputs(t, .name = "w", .values = s->w, .rows = 2, .least = -100, .most = 100,
                 .what = {"weights before the lesson", "학습 전 가중치"});
    s->b = trace_input(t, .name = "b", .value = 0, .least = -100, .most = 100,
                       .what = {"bias before the lesson", "학습 전 편향"});
    s->rate = trace_input(t, .name = "rate", .value = 0.1, .least = 0, .most = 100,
                          .what = {"learning rate α", "학습률 α"});
}

static void forward(lesson_trace *t, student *s)
{
    trace_part(t, (lesson_text){"Forward: from hours to a loss", "순전파: 시간에서 손실까지"});
    s->z = trace_step(
        t, .name = "z", .formula = "z = w₁·x₁ + w₂·x₂ + b",
        .value = s->w[0] * s->x[0] + s->w[1] * s->x[1] + s->b, .what = {"The score", "점수"},
        .why = {"Every clue votes with its weight; the bias votes even when all clues are 0.",
                "단서마다 자기 가중치만큼 표를 던집니다. 편향은 단서가 모두 0이어도 표를 냅니다."},
        .code = HERE ".value = s->w[0] * s->x[0] + s->w[1] * s->x[1] + s->b");
    s->a = trace_step(
        t, .name = "a", .formula = "a = σ(z) = 1/(1 + e^(-z))", .value = sigmoid(s->z),
        .what = {"The probability", "확률"},
        .why = {"The sigmoid squeezes any score into 0 to 1: the neuron says {a:.1p} for \"pass\".",
                "시그모이드는 어떤 점수든 0과 1 사이로 눌러 줍니다. 뉴런은 합격 확률을 "
                "{a:.1p}로 봅니다."},
        .code = HERE "return 1 / (1 + exp(-z));");
    trace_step(
        t, .name = "L", .formula = "L = -(y·ln(a) + (1-y)·ln(1-a))", .value = loss_of(s->a, s->y),
        .what = {"The loss", "손실"},
        .why = {"Only the term of the true answer counts: the surprise at what happened.",
                "정답에 해당하는 항만 남습니다. 실제로 일어난 일에 얼마나 놀랐는지를 잽니다."},
        .code = HERE "return -(times_log(y, a) + times_log(1 - y, 1 - a));");
}

static void backward(lesson_trace *t, student *s)
{
    trace_part(t, (lesson_text){"Backward: who is to blame, and by how much",
                                "역전파: 누구 탓이고, 얼마나인가"});
    double da = trace_step(
        t, .name = "da", .formula = "∂L/∂a = -y/a + (1-y)/(1-a)",
        .value = -s->y / s->a + (s->y == 1 ? 0 : (1 - s->y) / (1 - s->a)), .of = "L", .by = "a",
        .what = {"Slope of the loss by the probability", "확률에 대한 손실의 기울기"},
        .why = {"Move the probability a little, and the loss moves {da:.2f} times as far.",
                "확률을 조금 움직이면 손실은 그 {da:.2f}배만큼 움직입니다."},
        .code = HERE ".value = -s->y / s->a + (s->y == 1 ? 0 : (1 - s->y) / (1 - s->a))");
    double slope = trace_step(
        t, .name = "slope", .formula = "∂a/∂z = a·(1-a)", .value = s->a * (1 - s->a), .of = "a",
        .by = "z", .what = {"Slope of the sigmoid", "시그모이드의 기울기"},
        .why = {"Steepest, a quarter, where the neuron is undecided; flat where it is sure.",
                "뉴런이 망설일 때 가장 가파르고(4분의 1), 확신할수록 평평해집니다."},
        .code = HERE ".value = s->a * (1 - s->a)");
    trace_step(t, .name = "chain", .formula = "∂L/∂a·∂a/∂z = da·slope", .value = da * slope,
               .what = {"Chained together", "연쇄 법칙으로 곱하기"},
               .why = {"The fractions cancel, and what is left is simply a - y.",
                       "분수가 약분되고 나면 남는 것은 a - y뿐입니다."},
               .code = HERE ".value = da * slope");
    s->dz = trace_step(
        t, .name = "dz", .formula = "dz = a - y", .value = s->a - s->y, .of = "L", .by = "z",
        .what = {"The error", "오차"},
        .why = {"What was said minus what was true. All gradients are this times an input.",
                "말한 값에서 실제 값을 뺀 것입니다. 모든 기울기는 여기에 입력을 곱한 것입니다."},
        .code = HERE ".value = s->a - s->y");
    double dw[2] = {s->x[0] * s->dz, s->x[1] * s->dz};
    trace_steps(t, .name = "dw", .formula = "dw = x·dz = (x₁·dz, x₂·dz)", .values = dw, .rows = 2,
                .of = "L", .by = "w", .what = {"Gradient of the weights", "가중치의 기울기"},
                .why = {"A weight is blamed in proportion to the clue that came through it.",
                        "가중치는 자신을 지나간 단서의 크기에 비례해 책임을 집니다."},
                .code = HERE "double dw[2] = {s->x[0] * s->dz, s->x[1] * s->dz};");
    memcpy(s->dw, dw, sizeof dw);
    s->db = trace_step(t, .name = "db", .formula = "db = dz", .value = s->dz, .of = "L", .by = "b",
                       .what = {"Gradient of the bias", "편향의 기울기"},
                       .why = {"The bias is a weight whose clue is always 1.",
                               "편향은 단서가 늘 1인 가중치와 같습니다."},
                       .code = HERE ".value = s->dz, .of = \"L\", .by = \"b\"");
}

static void update(lesson_trace *t, student *s)
{
    trace_part(t, (lesson_text){"Update, and look again", "갱신하고 다시 보기"});
    double w[2] = {s->w[0] - s->rate * s->dw[0], s->w[1] - s->rate * s->dw[1]};
    trace_steps(t, .name = "w_new", .formula = "w ← (w₁ - rate·dw₁, w₂ - rate·dw₂)", .values = w,
                .rows = 2, .what = {"New weights", "새 가중치"},
                .why = {"Against the gradient, as far as the rate says: from ({w[1]}, {w[2]}) to "
                        "({w_new[1]:.3f}, {w_new[2]:.3f}).",
                        "기울기의 반대쪽으로 학습률만큼 갑니다. ({w[1]}, {w[2]})에서 "
                        "({w_new[1]:.3f}, {w_new[2]:.3f})로 바뀝니다."},
                .code = HERE "double w[2] = {s->w[0] - s->rate * s->dw[0],");
    double b = trace_step(t, .name = "b_new", .formula = "b ← b - rate·db",
                          .value = s->b - s->rate * s->db, .what = {"New bias", "새 편향"},
                          .why = {"The step that is easy to forget: the bias learns, too.",
                                  "잊기 쉬운 단계입니다. 편향도 함께 학습합니다."},
                          .code = HERE ".value = s->b - s->rate * s->db");
    double z = trace_step(
        t, .name = "z_new", .formula = "z = w_new₁·x₁ + w_new₂·x₂ + b_new",
        .value = w[0] * s->x[0] + w[1] * s->x[1] + b,
        .what = {"The same student again", "같은 학생을 다시"},
        .why = {"The same clues, the new weights: the score moved from {z:.2f} to {z_new:.2f}.",
                "같은 단서에 새 가중치를 썼습니다. 점수가 {z:.2f}에서 {z_new:.2f}로 움직였습니다."},
        .code = HERE ".value = w[0] * s->x[0] + w[1] * s->x[1] + b");
    double a =
        trace_step(t, .name = "a_new", .formula = "a = σ(z_new)", .value = sigmoid(z),
                   .what = {"Its new probability", "새 확률"},
                   .why = {"From {a:.1p} to {a_new:.1p}.", "{a:.1p}에서 {a_new:.1p}가 됩니다."},
                   .code = HERE "return 1 / (1 + exp(-z));");
    trace_step(t, .name = "L_new", .formula = "L = -(y·ln(a_new) + (1-y)·ln(1-a_new))",
               .value = loss_of(a, s->y), .what = {"Its new loss", "새 손실"},
               .why = {"The loss went from {L:.3f} to {L_new:.3f}.",
                       "손실이 {L:.3f}에서 {L_new:.3f}로 바뀌었습니다."},
               .code = HERE "return -(times_log(y, a) + times_log(1 - y, 1 - a));");
}

/* What the textbook formula does to a score that is far out. */
static void far_out(lesson_trace *t)
{
    trace_part(t, (lesson_text){"A pitfall: sure, and wrong", "함정: 확신했는데 틀렸을 때"});
    double z =
        trace_input(t, .name = "far", .value = 40, .least = 0, .most = 1000,
                    .what = {"a high score though the answer is 0", "정답이 0인데도 높은 점수"});
    double a = trace_step(
        t, .name = "a_far", .formula = "a = 1/(1 + e^(-far))", .value = sigmoid(z),
        .what = {"Rounded to 1", "1로 반올림됨"},
        .why = {"Far out, e^(-far) is too small to be seen beside 1: a becomes exactly 1.",
                "점수가 아주 크면 e^(-far)가 1 옆에서 사라져 a는 정확히 1이 됩니다."},
        .code = HERE "return 1 / (1 + exp(-z));");
    trace_step(
        t, .name = "L_naive", .formula = "L = -ln(1 - a_far)", .value = loss_of(a, 0),
        .what = {"The loss by the book", "공식 그대로 계산한 손실"},
        .why = {"Where a is exactly 1 this is the logarithm of 0, infinite, and training would be "
                "over.",
                "a가 정확히 1이면 0의 로그가 되어 무한대가 나오고, 학습은 여기서 끝나 버립니다."},
        .code = HERE "return -(times_log(y, a) + times_log(1 - y, 1 - a));");
    trace_step(t, .name = "L_stable", .formula = "L = max(far,0) - far·0 + ln(1 + e^(-far))",
               .value = stable_loss(z, 0),
               .what = {"The loss from the score", "점수로 계산한 손실"},
               .why = {"The same formula, rearranged for the score z: our engine uses this one.",
                       "같은 식을 점수 z로 정리한 것입니다. 우리 엔진은 이 식을 씁니다."},
               .code = HERE "return fmax(z, 0) - z * y + log1p(exp(-fabs(z)));");
}

static void exam(lesson_trace *t)
{
    student s = {.x = {2, 5}, .w = {0.1, -0.1}};
    give(t, &s);
    forward(t, &s);
    backward(t, &s);
    update(t, &s);
    far_out(t);
}

/* --- the lab ------------------------------------------------------------------------------------
 */

typedef struct {
    double rate;
    bool random, bias;
    int steps;
} unit_settings;

/* Draws the weights as the picture that they are: one weight a pixel. */
static void show_weights(lab *l, nn_model *model, const nn_dataset *data)
{
    nn_shape sample = nn_dataset_sample(data);
    const nn_param *weight = nn_model_find(model, "dense1.weight");
    int64_t count = weight ? nn_shape_count(nn_param_shape(weight)) : 0;
    if (count < 1 || count != sample.dim[1] * sample.dim[2])
        return;
    float *pixels = malloc((size_t)count * sizeof *pixels);
    if (!pixels)
        return;
    for (int64_t i = 0; i < count; i++)
        pixels[i] = (float)nn_param_values(weight)[i];
    lab_picture(l, "weights", (int)sample.dim[1], (int)sample.dim[2], pixels);
    free(pixels);
}

static void draw_cost(lab *l, const nn_event *event, void *context)
{
    if (event->kind != NN_EVENT_EPOCH)
        return;
    lab_point(l, "cost", context, event->epoch, event->train_loss);
}

/* One sigmoid unit, trained on all examples at once: every epoch is one step of the whole cost. */
static nn_status train_unit(lab *l, const nn_dataset *data, const char *name,
                            unit_settings settings, lab_result *result, nn_error *error)
{
    char model[80], line[TRACE_NAME];
    snprintf(model, sizeof model, "flatten | dense 1 init=%s%s", settings.random ? "he" : "zeros",
             settings.bias ? "" : " bias=no");
    snprintf(line, sizeof line, "%s", name);
    nn_train_args args = {.data = data,
                          .model = model,
                          .optimizer = {.kind = NN_SGD, .lr = settings.rate},
                          .schedule = {.kind = NN_SCHEDULE_CONSTANT},
                          .batch = (int)nn_dataset_count(data, NN_TRAIN),
                          .epochs = settings.steps};
    nn_status status = lab_train(l, name, &args, draw_cost, line, result, error);
    if (status == NN_OK)
        show_weights(l, result->model, data);
    return status;
}

/* Pixels as they are, 0 is black: normalised ones would hide the bias in the dark border. */
static nn_dataset *shoes(lab *l, nn_error *error)
{
    nn_data_args args = {.raw = true, .limit = lab_quick(l) ? 1000 : 6000};
    return lab_data(l, "fashion-mnist:classes=7+9 digits:classes=4+9", &args, error);
}

static nn_status run_unit(lab *l, nn_error *error)
{
    unit_settings settings = {.rate = lab_value(l, "rate"),
                              .random = lab_choice(l, "init") == 1,
                              .bias = lab_flag(l, "bias"),
                              .steps = (int)lab_value(l, "steps")};
    lab_result result;
    nn_dataset *data = shoes(l, error);
    if (!data)
        return error ? error->code : NN_E_MISSING;
    nn_status status =
        train_unit(l, data, settings.random ? "random" : "zero", settings, &result, error);
    if (status == NN_OK) {
        lab_measure(l, "cost", result.train_loss);
        lab_measure(l, "dev_error", result.dev_error);
        nn_model_free(result.model);
    }
    nn_dataset_free(data);
    return status;
}

static nn_status prove_unit(lab *l, nn_error *error)
{
    static const struct {
        const char *name, *measured;
        bool random, bias;
    } unit[] = {{"zero", "cost_zero", false, true},
                {"random", "cost_random", true, true},
                {"no-bias", "cost_no_bias", false, false}};
    nn_dataset *data = shoes(l, error);
    nn_status status = data ? NN_OK : error ? error->code : NN_E_MISSING;
    for (int i = 0; i < 3 && status == NN_OK; i++) {
        lab_result result;
        unit_settings settings = {.rate = 0.05,
                                  .random = unit[i].random,
                                  .bias = unit[i].bias,
                                  .steps = lab_quick(l) ? 400 : 1500};
        lab_progress(l, i / 3.0, unit[i].name);
        status = train_unit(l, data, unit[i].name, settings, &result, error);
        if (status == NN_OK) {
            lab_measure(l, unit[i].measured, result.train_loss);
            nn_model_free(result.model);
        }
    }
    nn_dataset_free(data);
    return status;
}

/* --- the chapter --------------------------------------------------------------------------------
 */

LESSON(ch01) = {
    .chapter = 1,
    .prerequisites = "",
    .terms =
        {
            {{"feature vector", "특징 벡터"},
             {"the numbers an example is described by, x, of shape (n,1)",
              "예시 하나를 나타내는 숫자들, 모양은 (n,1)"}},
            {{"weight", "가중치"},
             {"how strongly a clue counts, and in which direction",
              "단서 하나가 얼마나, 어느 방향으로 작용하는지를 정하는 수"}},
            {{"bias", "편향"},
             {"what is added to the score whatever the clues say",
              "단서와 상관없이 점수에 더해지는 값"}},
            {{"sigmoid", "시그모이드"},
             {"1/(1 + e^(-z)): turns a score into a probability",
              "1/(1 + e^(-z)): 점수를 확률로 바꾸는 함수"}},
            {{"cross-entropy", "교차 엔트로피"},
             {"the mean surprise at the true answers, -ln of their probability",
              "정답에 매긴 확률의 -ln을 평균한 값"}},
            {{"learning rate", "학습률"},
             {"how far a step goes against the gradient", "기울기 반대쪽으로 한 번에 가는 거리"}},
        },
    .facts =
        {
            {"ch01-ex-z", "z"},
            {"ch01-ex-a", "a"},
            {"ch01-ex-exp", "exp(-z)"},
            {"ch01-ex-prob-percent", "100 * a"},
            {"ch01-ex-loss", "L"},
            {"ch01-ex-dz", "dz"},
            {"ch01-ex-dw", "dw"},
            {"ch01-ex-db", "db"},
            {"ch01-ex-w-new", "w_new"},
            {"ch01-ex-b-new", "b_new"},
            {"ch01-ex-after-update", "z_new; a_new; L_new"},
        },
    .trace = exam,
    .labs =
        {
            {
                .id = "unit",
                .title = {"One neuron tells sneakers from ankle boots",
                          "뉴런 하나로 스니커즈와 앵클부츠 구별하기"},
                .goal = {"Find out what the start, the bias and the rate change in the end.",
                         "시작값, 편향, 학습률이 결과를 어떻게 바꾸는지 알아봅시다."},
                .guess = {"Two neurons learn the same shoes, one from zeros, one from random "
                          "weights. Which one ends with the lower cost?",
                          "두 뉴런이 같은 신발을 배웁니다. 하나는 0에서, 하나는 무작위 가중치에서 "
                          "시작합니다. 어느 쪽의 비용이 더 낮아질까요?"},
                .guess_answer = {"Neither: the cost is one bowl, and both roll to its bottom.",
                                 "차이가 없습니다. 비용이 그릇 모양이라 둘 다 같은 바닥으로 "
                                 "굴러갑니다."},
                .panels = "cost weights",
                .controls =
                    {
                        {"rate",
                         LAB_REAL,
                         0.05,
                         1e-4,
                         10,
                         NULL,
                         {"learning rate α", "학습률 α"},
                         {"how far every step goes", "한 걸음의 크기"}},
                        {"init",
                         LAB_CHOICE,
                         0,
                         0,
                         1,
                         "zero random",
                         {"weights at the start", "처음 가중치"},
                         {"all zero, or drawn at random", "모두 0, 또는 무작위"}},
                        {"bias",
                         LAB_FLAG,
                         1,
                         0,
                         1,
                         NULL,
                         {"bias", "편향"},
                         {"whether the neuron has one", "편향을 쓸지 정합니다"}},
                        {"steps",
                         LAB_WHOLE,
                         300,
                         10,
                         5000,
                         NULL,
                         {"steps", "걸음 수"},
                         {"every step looks at all examples", "걸음마다 모든 예시를 봅니다"}},
                    },
                .run = run_unit,
                .prove = prove_unit,
            },
        },
    .claims =
        {
            {
                .id = "start",
                .text = {"Starting from zero or at random leads to the same cost, within 2 %.",
                         "0에서 시작하든 무작위로 시작하든 비용은 2 % 안에서 같아집니다."},
                .lab = "unit",
                .measured = "abs(cost_random / cost_zero - 1)",
                .relation = CLAIM_LESS,
                .bound = "0.02",
            },
            {
                .id = "bias",
                .text = {"Without a bias the cost stays higher.",
                         "편향이 없으면 비용이 더 높게 남습니다."},
                .lab = "unit",
                .measured = "cost_no_bias",
                .relation = CLAIM_MORE,
                .bound = "max(cost_zero, cost_random)",
            },
            {
                .id = "learned",
                .text = {"One step makes the worked example's loss fall.",
                         "한 걸음으로 풀이 예제의 손실이 줄어듭니다."},
                .measured = "L_new",
                .relation = CLAIM_LESS,
                .bound = "L",
            },
        },
    .checks =
        {
            {
                .id = "dz",
                .kind = CHECK_NUMBER,
                .question = {"A student studied {x[1]} h, slept {x[2]} h and failed (y = 0). With "
                             "w = ({w[1]}, {w[2]}), b = {b}, what is dz?",
                             "{x[1]}시간 공부하고 {x[2]}시간 잔 학생이 떨어졌습니다(y = 0). "
                             "w = ({w[1]}, {w[2]}), b = {b}일 때 dz는 얼마인가요?"},
                .given = "x[1]=1 x[2]=3 y=0",
                .answer = "dz",
                .tolerance = 0.001,
                .foreseen =
                    {
                        {"y - a",
                         {"That is y - a. The gradient is a - y: it points uphill.",
                          "y - a를 구하셨네요. 기울기는 a - y이고, 오르막을 가리킵니다."}},
                        {"z",
                         {"That is the score z. Put it through the sigmoid first.",
                          "그 값은 점수 z입니다. 먼저 시그모이드를 통과시켜야 합니다."}},
                        {"a * (1 - a)",
                         {"That is the sigmoid's slope alone; chained with the loss it cancels.",
                          "시그모이드의 기울기만 구한 값입니다. 손실과 곱하면 약분됩니다."}},
                    },
                .hints =
                    {
                        {"Three values in a row: score, probability, error.",
                         "점수, 확률, 오차를 차례로 구해 보세요."},
                        {"The score is {z}.", "점수는 {z}입니다."},
                        {"The probability is {a:.4f}; now subtract y.",
                         "확률은 {a:.4f}입니다. 이제 y를 빼세요."},
                    },
                .explanation = {"z = {z}, a = {a:.4f}, dz = a - y = {dz:.4f}.",
                                "z = {z}, a = {a:.4f}이므로 dz = a - y = {dz:.4f}입니다."},
                .right = {"0.4502", "0.45", "45 %"},
                .wrong = {"-0.4502", "-0.2", "0.2475", "no idea"},
            },
            {
                .id = "shape",
                .kind = CHECK_SHAPE,
                .question = {"x has shape ({rows(x)},{columns(x)}). Which shape has dw?",
                             "x의 모양이 ({rows(x)},{columns(x)})일 때 dw의 모양은 무엇인가요?"},
                .answer = "dw",
                .foreseen =
                    {
                        {"(1,2)",
                         {"Lying down. A gradient always has the shape of what it changes, w.",
                          "눕혀 놓으셨네요. 기울기는 늘 자신이 바꿀 w와 같은 모양입니다."}},
                        {"(2,2)",
                         {"x·dz is a vector times a number, no outer product.",
                          "x·dz는 벡터에 수를 곱한 것입니다. 외적이 아닙니다."}},
                        {"(1,1)",
                         {"That is db's: one bias. There is one weight for each clue.",
                          "편향이 하나인 db의 모양입니다. 가중치는 단서마다 하나입니다."}},
                    },
                .hints =
                    {
                        {"What will be subtracted from what?", "무엇에서 무엇을 빼게 되나요?"},
                        {"w - α·dw works only for equal shapes.",
                         "w - α·dw는 모양이 같아야 계산됩니다."},
                        {"w has one row for each clue.", "w에는 단서마다 한 행이 있습니다."},
                    },
                .explanation =
                    {"A gradient has the shape of its parameter: dw like w, as tall as x.",
                     "기울기는 파라미터와 모양이 같습니다. dw는 w처럼 x만큼 깁니다."},
                .right = {"(2,1)", "2x1", "2 × 1", "2"},
                .wrong = {"(1,2)", "(2,2)", "1", "tall"},
            },
            {
                .id = "zero",
                .kind = CHECK_CHOICE,
                .question = {"A neuron without a bias (b = 0) sees nothing at all: x = (0, 0). "
                             "What does it say?",
                             "편향이 없는(b = 0) 뉴런이 아무 단서도 없는 x = (0, 0)을 봅니다. "
                             "뭐라고 답할까요?"},
                .given = "x[1]=0 x[2]=0",
                .options =
                    {
                        {{"0: no clues, no chance", "0: 단서가 없으니 가능성도 없다"},
                         "a == 0",
                         {"A score of 0 is not a probability of 0: σ(0) is in the middle.",
                          "점수 0이 확률 0은 아닙니다. σ(0)은 한가운데입니다."}},
                        {{"one half, whatever its weights", "가중치와 상관없이 2분의 1"},
                         "a == 0.5",
                         {"Every term is 0, so the score is 0 and σ(0) is one half.",
                          "모든 항이 0이라 점수가 0이고, σ(0)은 2분의 1입니다."}},
                        {{"it depends on the weights", "가중치에 따라 다르다"},
                         "(a > 0.5) + (a < 0.5) * (a > 0)",
                         {"The weights are multiplied by 0; only a bias could change the answer.",
                          "가중치에 0을 곱하므로 아무 영향이 없습니다. 편향만이 바꿀 수 "
                          "있습니다."}},
                    },
                .hints =
                    {
                        {"Write down the score first.", "먼저 점수를 적어 보세요."},
                        {"Each weight is multiplied by 0.", "가중치마다 0이 곱해집니다."},
                        {"The score is {z}; where does the sigmoid send it?",
                         "점수는 {z}입니다. 시그모이드는 이것을 어디로 보내나요?"},
                    },
                .explanation = {"z = {z}, so a = σ(0) = {a}: without a bias the border between yes "
                                "and no goes through the origin.",
                                "z = {z}이므로 a = σ(0) = {a}입니다. 편향이 없으면 예와 아니요의 "
                                "경계가 원점을 지납니다."},
                .right = {"b", "B"},
                .wrong = {"a", "c", "d"},
            },
            {
                .id = "update",
                .kind = CHECK_NUMBER,
                .question = {"The worked example, but with α = {rate}. What is the new bias?",
                             "풀이 예제에서 α = {rate}로 바꾸면 새 편향은 얼마인가요?"},
                .given = "rate=0.5",
                .answer = "b_new",
                .tolerance = 0.001,
                .foreseen =
                    {
                        {"b",
                         {"The old one: the bias learns, too.",
                          "예전 값입니다. 편향도 학습합니다."}},
                        {"b + rate * db",
                         {"A step uphill: subtract the gradient.",
                          "오르막으로 갔습니다. 기울기를 빼야 합니다."}},
                        {"b - db",
                         {"The learning rate is missing.", "학습률을 곱하지 않았습니다."}},
                    },
                .hints =
                    {
                        {"b ← b - α·db.", "b ← b - α·db입니다."},
                        {"db is the same as dz.", "db는 dz와 같습니다."},
                        {"db = {db:.4f}.", "db = {db:.4f}입니다."},
                    },
                .explanation = {"{b} - {rate}·({db:.4f}) = {b_new:.4f}.",
                                "{b} - {rate}·({db:.4f}) = {b_new:.4f}입니다."},
                .right = {"0.2872", "0.287", ".29"},
                .wrong = {"-0.2872", "0", "0.5744", "?"},
            },
        },
};
