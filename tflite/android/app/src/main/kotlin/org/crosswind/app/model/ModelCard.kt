package org.crosswind.app.model

import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

/** What a feature means, which settles how the form asks for it. */
enum class Kind { NUMERIC, CATEGORICAL, CYCLIC, FLAG, SHARE }

/** A raw value's type in the file's signature. */
enum class Dtype { STRING, FLOAT32, INT64 }

/**
 * One raw input of the model.
 *
 * @property unit for people; empty where there is none.
 * @property optional the value may be missing.
 * @property values of a category: those that training knows; empty for other kinds.
 * @property minimum the least value in [unit]; null where there is none. So is [maximum].
 * @property typical of a number: the median in training; null for other kinds.
 */
data class Feature(
    val name: String,
    val kind: Kind,
    val dtype: Dtype,
    val unit: String,
    val optional: Boolean,
    val values: List<String>,
    val minimum: Double?,
    val maximum: Double?,
    val typical: Double?,
)

/** A real row, raw value by feature, null where it is missing, and the file's score for it. */
data class Golden(val row: Map<String, Any?>, val score: Float)

/**
 * Everything that the app knows of one published file.
 *
 * @property window the months of training and evaluation, oldest first: "2013-01".
 * @property threshold from which probability on the answer is yes.
 * @property baseRate the share of yes in training.
 * @property golden at least one.
 */
data class ModelCard(
    val model: String,
    val version: Int,
    val variant: String,
    val window: List<String>,
    val signature: String,
    val output: String,
    val threshold: Float,
    val baseRate: Float,
    val features: List<Feature>,
    val golden: List<Golden>,
) {
    companion object {
        private const val SCHEMA_VERSION = 1

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
            if (schema != SCHEMA_VERSION) {
                throw CorruptModel("The model card has schema version $schema; this app knows $SCHEMA_VERSION. Update the app.")
            }
            val golden = card.getJSONArray("golden").items<JSONObject>().map(::golden)
            if (golden.isEmpty()) throw CorruptModel("The model card has no golden rows; expected some. Install it again.")
            return ModelCard(
                model = card.getString("model"),
                version = card.getInt("version"),
                variant = card.getString("variant"),
                window = card.getJSONArray("window").items<String>(),
                signature = card.getString("signature"),
                output = card.getString("output"),
                threshold = card.getDouble("threshold").toFloat(),
                baseRate = card.getDouble("base_rate").toFloat(),
                features = card.getJSONArray("features").items<JSONObject>().map(::feature),
                golden = golden,
            )
        }

        private fun feature(feature: JSONObject) = Feature(
            name = feature.getString("name"),
            kind = Kind.valueOf(feature.getString("kind").uppercase()),
            dtype = Dtype.valueOf(feature.getString("dtype").uppercase()),
            unit = feature.getString("unit"),
            optional = feature.getBoolean("optional"),
            values = feature.optJSONArray("values")?.items<String>().orEmpty(),
            minimum = feature.number("minimum"),
            maximum = feature.number("maximum"),
            typical = feature.number("typical"),
        )

        private fun golden(golden: JSONObject): Golden {
            val row = golden.getJSONObject("row")
            return Golden(
                row = row.keys().asSequence().associateWith { name -> if (row.isNull(name)) null else row.get(name) },
                score = golden.getDouble("score").toFloat(),
            )
        }

        private fun JSONObject.number(name: String): Double? = if (isNull(name)) null else getDouble(name)

        private inline fun <reified T> JSONArray.items(): List<T> = List(length()) { position ->
            get(position) as? T ?: throw JSONException("${get(position)} is not a ${T::class.simpleName}")
        }
    }
}
