package org.crosswind.app.model

// Missing values as the file wants them. A text would be empty, but TFLite's Java API must not be given an empty array; the
// file's vocabularies hold every key, the empty one too, with the NUL that ends a string in C as well.
private val MISSING_TEXT = byteArrayOf(0)
private const val MISSING_NUMBER = Float.NaN
private const val MISSING_INTEGER = 0L

/**
 * A raw row as the interpreter's inputs: by feature an array of shape [1], of UTF-8 bytes, float32 or int64.
 *
 * A Java String would reach the model with a trailing NUL, hence the bytes.
 *
 * Throws [BadInput], naming the field that has an unknown name, a wrong type or no value.
 */
internal fun encode(row: Map<String, Any?>, card: ModelCard): Map<String, Any> {
    val names = card.features.map { it.name }
    (row.keys - names.toSet()).minOrNull()?.let { unknown ->
        throw BadInput(unknown, Reason.UNKNOWN_FIELD, "is no field of this model. Expected some of ${names.joinToString()}.")
    }
    return card.features.associate { feature -> feature.name to tensor(feature, row[feature.name]) }
}

private fun tensor(feature: Feature, value: Any?): Any {
    val given = value.takeIf { it != "" }
    if (given == null && !feature.optional) {
        throw BadInput(feature.name, Reason.MISSING, "is missing. Expected ${allowed(feature)}.")
    }
    return when (feature.dtype) {
        Dtype.STRING -> arrayOf(given?.let { text(feature, it) } ?: MISSING_TEXT)
        Dtype.FLOAT32 -> floatArrayOf(given?.let { number(feature, it) } ?: MISSING_NUMBER)
        Dtype.INT64 -> longArrayOf(given?.let { integer(feature, it) } ?: MISSING_INTEGER)
    }
}

private fun text(feature: Feature, value: Any): ByteArray =
    (value as? String)?.toByteArray(Charsets.UTF_8) ?: throw wrongType(feature, value)

private fun number(feature: Feature, value: Any): Float {
    val number = (value as? Number)?.toFloat() ?: throw wrongType(feature, value)
    if (number.isNaN() || number.isInfinite()) throw wrongType(feature, value, "; leave it out where it is missing")
    return number
}

private fun integer(feature: Feature, value: Any): Long = when (value) {
    is Long, is Int, is Short, is Byte -> (value as Number).toLong()
    else -> throw wrongType(feature, value)
}

private fun wrongType(feature: Feature, value: Any, advice: String = ""): BadInput {
    val shown = if (value is String) "\"$value\"" else value.toString()
    return BadInput(feature.name, Reason.WRONG_TYPE, "is $shown. Expected ${allowed(feature)}$advice.")
}

/** What a feature may be, in words. */
internal fun allowed(feature: Feature): String {
    if (feature.dtype == Dtype.STRING) {
        return if (feature.values.isEmpty()) "a text" else "a text, such as ${feature.values.joinToString(limit = 20)}"
    }
    val kind = if (feature.dtype == Dtype.INT64) "an integer" else "a number"
    val bounds = listOfNotNull(feature.minimum, feature.maximum).map(::decimal)
    val range = if (bounds.size == 2) " from ${bounds[0]} to ${bounds[1]}" else ""
    return kind + range + if (feature.unit.isEmpty()) "" else ", ${feature.unit}"
}
