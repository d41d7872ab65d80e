package org.crosswind.app.model

/** A card of another model, with a field of every kind. */
val CARD = """
{
  "schema_version": 1, "model": "train_delay", "version": 7, "variant": "float16", "window": ["2013-01", "2013-02"],
  "signature": "serving_default", "output": "probability", "threshold": 0.5, "base_rate": 0.24,
  "features": [
    ${feature("line", "categorical", "string", values = """["A", "B"]""")},
    ${feature("remark", "categorical", "string", optional = true)},
    ${feature("start", "cyclic", "float32", "minutes since local midnight", minimum = 0, maximum = 1439)},
    ${feature("day", "cyclic", "float32", "days since Monday", minimum = 0, maximum = 6)},
    ${feature("wind_dir", "cyclic", "float32", "degrees", optional = true, minimum = 0, maximum = 360)},
    ${feature("strike", "flag", "int64", minimum = 0, maximum = 1)},
    ${feature("late_share", "share", "float32", "of the line's trains", optional = true, minimum = 0, maximum = 1)},
    ${feature("cars", "numeric", "int64", "cars", minimum = 1, maximum = 20, typical = 7.5)},
    ${feature("age", "numeric", "float32", "years", typical = 37.939998626708984)}
  ],
  "golden": [
    {"row": {"line": "A", "remark": null, "start": 60.0, "day": 0.0, "wind_dir": null, "strike": 0, "late_share": 0.1,
      "cars": 3, "age": 1.0}, "score": 0.1},
    {"row": {"line": "B", "remark": "snow", "start": 615.0, "day": 4.0, "wind_dir": null, "strike": 1,
      "late_share": 0.1962025, "cars": 8, "age": 37.939998626708984}, "score": 0.3},
    {"row": {"line": "A", "remark": null, "start": 61.0, "day": 1.0, "wind_dir": 10.0, "strike": 0, "late_share": 0.9,
      "cars": 4, "age": 2.0}, "score": 0.9}
  ]
}
"""

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
) = """{"name": "$name", "kind": "$kind", "dtype": "$dtype", "unit": "$unit", "optional": $optional, "values": $values,
      "minimum": $minimum, "maximum": $maximum, "typical": $typical}"""
