package org.crosswind.app.model

import kotlin.math.abs
import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

/** A real row, raw value by feature, null where it is missing, and the file's answer for it. */
data class Golden(val row: Map<String, Any?>, val score: List<Float>)

/**
 * Everything that the app knows of one published file.
 *
 * @property window the months of training and evaluation, oldest first: "2013-01".
 * @property task what is predicted.
 * @property golden at least one.
 */
data class ModelCard(
    val model: String,
    val version: Int,
    val variant: String,
    val window: List<String>,
    val signature: String,
    val output: String,
    val task: Task,
    val features: List<Feature>,
    val golden: List<Golden>,
    val words: Words,
) {
    /** What differences of answers are stated in: 1 of probabilities, of numbers the largest golden one. */
    val unit: Float
        get() = if (task is Task.Regression) golden.maxOf { abs(it.score.single()) }.takeIf { it > 0 } ?: 1f else 1f

    companion object {
        private val SCHEMA_VERSIONS = 1..2 // 2: tasks other than whether something is so

        /** The card from its JSON. Throws [CorruptModel], saying what is wrong with it. */
        fun parse(json: String): ModelCard =
            try {
                card(JSONObject(json))
            } catch (error: JSONException) {
                throw CorruptModel("The model card is not as expected: ${error.message}", error)
            } catch (error: IllegalArgumentException) {
                throw CorruptModel("The model card has a value that this app does not know: ${error.message}", error)
            }

        private fun card(card: JSONObject): ModelCard {
            val schema = card.getInt("schema_version")
            if (schema !in SCHEMA_VERSIONS) {
                val known = SCHEMA_VERSIONS.joinToString(" and ")
                throw CorruptModel("The model card has schema version $schema; this app knows $known. Update the app.")
            }
            val task = task(card)
            val golden = card.getJSONArray("golden").items<JSONObject>().map(::golden)
            if (golden.isEmpty()) throw CorruptModel("The model card has no golden rows; expected some. Install it again.")
            require(golden.all { it.score.size == task.values }) { "golden rows without an answer of ${task.values}" }
            return ModelCard(
                model = card.getString("model"),
                version = card.getInt("version"),
                variant = card.getString("variant"),
                window = card.getJSONArray("window").items<String>(),
                signature = card.getString("signature"),
                output = card.getString("output"),
                task = task,
                features = card.getJSONArray("features").items<JSONObject>().map(::feature),
                golden = golden,
                words = card.optJSONObject("words")?.let(::words) ?: Words(),
            )
        }

        private fun task(card: JSONObject): Task = when (val name = card.optString("task", "binary")) {
            "binary" -> Task.Binary(card.getDouble("threshold").toFloat(), card.getDouble("base_rate").toFloat())
            "multiclass" -> Task.Multiclass(card.getJSONArray("classes").items<String>())
            "regression" -> Task.Regression(card.optJSONObject("interval")?.let(::interval))
            else -> throw IllegalArgumentException("the task $name")
        }

        private fun interval(interval: JSONObject): Interval {
            val (share, low, high) = listOf("share", "low", "high").map { interval.getDouble(it).toFloat() }
            return Interval(share, low, high)
        }

        private fun feature(feature: JSONObject): Feature {
            val name = feature.getString("name")
            val kind = Kind.valueOf(feature.getString("kind").uppercase())
            val values = feature.optJSONArray("values")?.items<String>().orEmpty()
            val unit = feature.getString("unit")
            val between = feature.optJSONArray("between")?.run { getString(0) to getString(1) }
            require(between == null || unit in LENGTHS) { "$name is a distance in \"$unit\"" }
            return Feature(
                name = name,
                kind = kind,
                dtype = Dtype.valueOf(feature.getString("dtype").uppercase()),
                unit = unit,
                optional = feature.getBoolean("optional"),
                values = values,
                minimum = feature.number("minimum"),
                maximum = feature.number("maximum"),
                typical = feature.number("typical"),
                label = feature.optString("words").ifEmpty { name },
                widget = widget(feature.optString("form"), kind, values),
                valueWords = feature.entries("value_words") { getString(it) },
                places = feature.entries("places") { code -> getJSONArray(code).let { Place(it.getDouble(0), it.getDouble(1)) } },
                between = between,
            )
        }

        /** What the card says, else what is usual for the kind. There is no choice where there are no values. */
        private fun widget(form: String, kind: Kind, values: List<String>): Widget {
            val asked = if (form.isNotEmpty()) Widget.valueOf(form.uppercase()) else when (kind) {
                Kind.CATEGORICAL -> Widget.CHOICE
                Kind.FLAG -> Widget.SWITCH
                Kind.SHARE -> Widget.PERCENT
                Kind.NUMERIC, Kind.CYCLIC -> Widget.NUMBER
            }
            return if (asked == Widget.CHOICE && values.isEmpty()) Widget.TEXT else asked
        }

        private fun words(words: JSONObject): Words = with(Words()) {
            Words(
                title = words.optString("title", title),
                row = words.optString("row", row),
                rows = words.optString("rows", rows),
                ask = words.optString("ask", ask),
                event = words.optString("event", event),
                yes = words.optString("yes", yes),
                above = words.optString("above", above),
                below = words.optString("below", below),
                answer = words.optString("answer", answer),
                unit = words.optString("unit", unit),
            )
        }

        private fun golden(golden: JSONObject): Golden {
            val row = golden.getJSONObject("row")
            return Golden(
                row = row.keys().asSequence().associateWith { name -> if (row.isNull(name)) null else row.get(name) },
                score = golden.optJSONArray("score")?.items<Number>()?.map { it.toFloat() }
                    ?: listOf(golden.getDouble("score").toFloat()),
            )
        }

        private fun <T> JSONObject.entries(name: String, value: JSONObject.(String) -> T): Map<String, T> =
            optJSONObject(name)?.run { keys().asSequence().associateWith { value(it) } }.orEmpty()

        private fun JSONObject.number(name: String): Double? = if (isNull(name)) null else getDouble(name)

        private inline fun <reified T> JSONArray.items(): List<T> = List(length()) { position ->
            get(position) as? T ?: throw JSONException("${get(position)} is not a ${T::class.simpleName}")
        }
    }
}
