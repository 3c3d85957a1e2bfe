/* What people said about runs and examples, their views, and where they are in the course. */
#include "store/merge_internal.h"

/* Runs: tags come together; a note that both wrote becomes both. */
static const char *const about_runs[] = {
    "INSERT OR IGNORE INTO main.run_tag (name, colour) SELECT name, colour FROM other.run_tag",
    "INSERT OR IGNORE INTO main.run_tag_of (run, tag) SELECT r.ours, o.id FROM other.run_tag_of "
    "t JOIN merge_run r ON r.theirs = t.run JOIN other.run_tag w ON w.id = t.tag JOIN "
    "main.run_tag o ON o.name = w.name",
    "UPDATE main.run SET note = (SELECT CASE WHEN instr(t.note, run.note) > 0 THEN t.note ELSE "
    "run.note || ' / ' || t.note END FROM other.run t JOIN merge_run r ON r.theirs = t.id WHERE "
    "r.ours = run.id) WHERE id IN (SELECT r.ours FROM other.run t JOIN merge_run r ON r.theirs = "
    "t.id JOIN main.run o ON o.id = r.ours WHERE t.note != '' AND instr(o.note, t.note) = 0)",
    "INSERT INTO main.analysis (run, part, seed, errors, total, made_ms) SELECT r.ours, t.part, "
    "t.seed, t.errors, t.total, t.made_ms FROM other.analysis t JOIN merge_run r ON r.theirs = "
    "t.run WHERE NOT EXISTS (SELECT 1 FROM main.analysis o WHERE o.run = r.ours AND o.seed = "
    "t.seed AND o.made_ms = t.made_ms AND o.part = t.part) ORDER BY t.id",
    "INSERT OR IGNORE INTO main.analysis_example (analysis, place, example, seen_ms) SELECT o.id, "
    "e.place, e.example, e.seen_ms FROM other.analysis_example e JOIN other.analysis t ON t.id = "
    "e.analysis JOIN merge_run r ON r.theirs = t.run JOIN main.analysis o ON o.run = r.ours AND "
    "o.seed = t.seed AND o.made_ms = t.made_ms AND o.part = t.part",
};

/* Examples: tags come together by name; the newer fix of a label stays. */
static const char *const about_examples[] = {
    "INSERT INTO main.tag (content, name, colour, effort, position) SELECT t.content, t.name, "
    "t.colour, t.effort, t.position + coalesce((SELECT max(position) FROM main.tag o WHERE "
    "o.content = t.content), 0) FROM other.tag t WHERE NOT EXISTS (SELECT 1 FROM main.tag o "
    "WHERE o.content = t.content AND o.name = t.name) ORDER BY t.position",
    "INSERT OR IGNORE INTO main.example_tag (tag, example) SELECT o.id, e.example FROM "
    "other.example_tag e JOIN other.tag t ON t.id = e.tag JOIN main.tag o ON o.content = t.content "
    "AND o.name = t.name",
    "INSERT OR IGNORE INTO main.example_note (content, example, text) SELECT content, example, "
    "text FROM other.example_note",
    "UPDATE main.example_note SET text = text || ' / ' || (SELECT t.text FROM other.example_note t "
    "WHERE t.content = example_note.content AND t.example = example_note.example) WHERE EXISTS "
    "(SELECT 1 FROM other.example_note t WHERE t.content = example_note.content AND t.example = "
    "example_note.example AND instr(example_note.text, t.text) = 0)",
    "INSERT INTO main.label_fix SELECT t.* FROM other.label_fix t WHERE true ON CONFLICT "
    "(content, example) DO UPDATE SET old_label = excluded.old_label, new_label = "
    "excluded.new_label, made_ms = excluded.made_ms, who = excluded.who, rule = excluded.rule "
    "WHERE excluded.made_ms > label_fix.made_ms",
    "INSERT OR IGNORE INTO main.human_level (content, error) SELECT content, error FROM "
    "other.human_level",
};

/* Views by name, once more under another name where ours says something else; of the course what
 * was saved last, and what was ever passed. */
static const char *const about_screens[] = {
    "INSERT INTO main.saved_view (screen, name, query, saved_ms) SELECT t.screen, CASE WHEN "
    "EXISTS (SELECT 1 FROM main.saved_view o WHERE o.screen = t.screen AND o.name = t.name) THEN "
    "substr(t.name, 1, 36) || '-' || substr(t.saved_ms, -8) ELSE t.name END, t.query, t.saved_ms "
    "FROM other.saved_view t WHERE NOT EXISTS (SELECT 1 FROM main.saved_view o WHERE o.screen = "
    "t.screen AND o.query = t.query)",
    "INSERT INTO main.lesson_place SELECT t.* FROM other.lesson_place t WHERE true ON CONFLICT "
    "(chapter) DO UPDATE SET mode = excluded.mode, section = excluded.section, step = "
    "excluded.step, item = excluded.item, done = max(done, excluded.done), saved_ms = "
    "excluded.saved_ms WHERE excluded.saved_ms > lesson_place.saved_ms",
    ("UPDATE main.lesson_place SET done = 1 WHERE done = 0 AND chapter IN (SELECT chapter FROM "
     "other.lesson_place WHERE done = 1)"),
};

static nn_status merge_items(merge *m, nn_error *error)
{
    static const merge_column columns[] = {
        {"run", "(SELECT ours FROM merge_run WHERE theirs = t.run)"}, {NULL, NULL}};
    nn_status status = merge_copy(
        m, "", "lesson_item", columns,
        "WHERE true ON CONFLICT (chapter, kind, id) DO UPDATE SET outcome = "
        "excluded.outcome, answer = excluded.answer, hints = max(hints, excluded.hints), "
        "times = max(times, excluded.times), passed = max(passed, excluded.passed), run = "
        "excluded.run, saved_ms = excluded.saved_ms WHERE excluded.saved_ms > "
        "lesson_item.saved_ms",
        error);
    m->report->annotations += sqlite3_changes(m->db->handle);
    if (status == NN_OK)
        status =
            database_run(m->db,
                         "UPDATE main.lesson_item SET passed = 1 WHERE passed = 0 AND EXISTS "
                         "(SELECT 1 FROM other.lesson_item t WHERE t.passed = 1 AND t.chapter = "
                         "lesson_item.chapter AND t.kind = lesson_item.kind AND t.id = "
                         "lesson_item.id)",
                         error);
    return status;
}

/* Before anything is taken over: where both say something else and only one can stay. */
static nn_status count_conflicts(merge *m, nn_error *error)
{
    int64_t fixes = 0, levels = 0;
    nn_status status = database_number(m->db,
                                       "SELECT count(*) FROM other.label_fix t JOIN main.label_fix "
                                       "o USING (content, example) WHERE "
                                       "t.new_label != o.new_label",
                                       &fixes, error);
    if (status == NN_OK)
        status = database_number(m->db,
                                 "SELECT count(*) FROM other.human_level t JOIN main.human_level o "
                                 "USING (content) WHERE t.error != o.error",
                                 &levels, error);
    m->report->conflicts = (int)(fixes + levels);
    return status;
}

#define ALL(list) (list), (int)(sizeof(list) / sizeof *(list)), &m->report->annotations

nn_status merge_people(merge *m, nn_error *error)
{
    nn_status status = count_conflicts(m, error);
    if (status == NN_OK)
        status = merge_run_all(m, ALL(about_runs), error);
    if (status == NN_OK)
        status = merge_run_all(m, ALL(about_examples), error);
    if (status == NN_OK)
        status = merge_run_all(m, ALL(about_screens), error);
    return status == NN_OK ? merge_items(m, error) : status;
}
