package org.crosswind.app.model

import org.json.JSONArray
import org.json.JSONObject

private const val NUMBER = """ "form": "number" """

/** A card of a made problem, with a feature of every kind and of every form. */
val CARD = """
{
  "schema_version": 1, "model": "broken_parcel", "version": 7, "variant": "float16", "window": ["2013-01", "2013-02"],
  "signature": "serving_default", "output": "probability", "threshold": 0.5, "base_rate": 0.24,
  "words": {
    "title": "Will my parcel break?", "row": "parcel", "rows": "parcels", "ask": "Will it break?",
    "event": "breaking on its way", "yes": "Wrap it twice", "above": "Risk above average", "below": "Risk below average",
    "positive": "broken", "negative": "whole"
  },
  "features": [
    ${feature("depot", "categorical", "string", values = """["A", "B"]""", extra = """
      "words": "From", "value_words": {"A": "Paris, south", "B": "Berlin"},
      "places": {"A": [48.8566, 2.3522], "B": [52.52, 13.405]}""")},
    ${feature("town", "categorical", "string", values = """["X", "Y"]""", extra = """
      "words": "To", "form": "choice", "places": {"X": [40.7128, -74.006]}""")},
    ${feature("remark", "categorical", "string", optional = true)},
    ${feature("sender", "categorical", "string", values = """["Ann"]""", optional = true, extra = """ "form": "text" """)},
    ${feature("start", "cyclic", "float32", "minutes", minimum = 0, maximum = 1439, extra = """ "form": "time" """)},
    ${feature("day", "cyclic", "float32", minimum = 0, maximum = 6, extra = """ "form": "weekday" """)},
    ${feature("direction", "cyclic", "float32", "degrees", optional = true, minimum = 0, maximum = 360)},
    ${feature("express", "flag", "int64", minimum = 0, maximum = 1)},
    ${feature("heavy", "numeric", "float32", typical = 0.0, extra = """ "form": "switch" """)},
    ${feature("broken_share", "share", "float32", "of the depot's parcels", optional = true, minimum = 0, maximum = 1)},
    ${feature("filled", "numeric", "float32", typical = 0.805, minimum = 0, maximum = 1, extra = """ "form": "percent" """)},
    ${feature("way", "numeric", "float32", "km", typical = 900.0, minimum = 0, maximum = 20000, extra = """
      "words": "Distance", "form": "distance", "between": ["depot", "town"] """)},
    ${feature("boxes", "numeric", "int64", "boxes", minimum = 1, maximum = 20, typical = 7.5)},
    ${feature("age", "numeric", "float32", "minutes since midnight", typical = 37.939998626708984, extra = NUMBER)}
  ],
  "golden": [
    {"row": {"depot": "A", "remark": null, "start": 60.0, "express": 0}, "score": 0.1},
    {"row": {"depot": "B", "remark": "glass", "start": 615.0, "broken_share": 0.1962025, "express": 1}, "score": 0.3}
  ]
}
"""

/** The card of a problem with another task, its golden answers in the place of the probabilities. */
fun cardOfTask(task: String, classes: List<String>, vararg answers: Any): JSONObject = JSONObject(CARD).apply {
    put("schema_version", 2).put("task", task).put("classes", JSONArray(classes))
    put("threshold", JSONObject.NULL).put("base_rate", JSONObject.NULL)
    answers.forEachIndexed { index, answer -> getJSONArray("golden").getJSONObject(index).put("score", answer) }
}

/** What a person enters into that form: no more than must be. */
val ENTERED = mapOf("depot" to "B", "town" to "X", "start" to "615", "day" to "4", "way" to "6385")

/** The card with those features that are kept. */
fun cardOf(keep: (JSONObject) -> Boolean): ModelCard {
    val card = JSONObject(CARD)
    val features = card.getJSONArray("features")
    val kept = List(features.length(), features::getJSONObject).filter(keep)
    return ModelCard.parse(card.put("features", JSONArray(kept)).toString())
}

private fun feature(
    name: String,
    kind: String,
    dtype: String,
    unit: String = "",
    optional: Boolean = false,
    values: String = "null",
    minimum: Int? = null,
    maximum: Int? = null,
    typical: Double? = null,
    extra: String? = null,
) = """{"name": "$name", "kind": "$kind", "dtype": "$dtype", "unit": "$unit", "optional": $optional, "values": $values,
      "minimum": $minimum, "maximum": $maximum, "typical": $typical${extra?.let { ", $it" }.orEmpty()}}"""
