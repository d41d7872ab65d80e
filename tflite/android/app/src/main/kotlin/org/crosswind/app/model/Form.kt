package org.crosswind.app.model

import java.util.Locale
import kotlin.math.roundToLong

private const val HUNDRED = 100.0

/**
 * One field of the form.
 *
 * @property text what it holds at first: nothing, but for a switch, which is off, and for a number that [isTypical].
 * @property isTypical it must not be missing, and people do not know it by heart: it starts with the median in training.
 * @property minimum the least number that it takes, in what the [widget] shows; null where there is none. So is [maximum].
 * @property more a number, or what may be missing: the screen folds it away, unless there is nothing else.
 */
data class Field(
    val feature: Feature,
    val text: String,
    val isTypical: Boolean,
    val minimum: Double?,
    val maximum: Double?,
    val more: Boolean,
) {
    val name: String get() = feature.name
    val label: String get() = feature.label
    val widget: Widget get() = feature.widget
}

/** The form of a model, built from its card: another model's card gives another form. What is not entered is missing. */
class Form(card: ModelCard) {
    val fields: List<Field> = card.features.map(::field).let { all ->
        if (all.all { it.more }) all.map { it.copy(more = false) } else all
    }

    private fun field(feature: Feature): Field {
        val scale = if (feature.widget == Widget.PERCENT) HUNDRED else 1.0
        val typical = feature.typical?.times(scale).takeIf { feature.widget in TYPED && !feature.optional }
        return Field(
            feature,
            text = typical?.let { show(it, feature.dtype) } ?: if (feature.widget == Widget.SWITCH) "0" else "",
            isTypical = typical != null,
            minimum = feature.minimum?.times(scale),
            maximum = feature.maximum?.times(scale),
            more = feature.optional || feature.widget in TYPED || feature.widget == Widget.DISTANCE,
        )
    }

    /**
     * The raw row that the fields' texts stand for.
     *
     * @param texts by feature name; no entry is as an empty one.
     * @throws BadInput naming the first field whose text is no number, out of range, or missing and not optional.
     */
    fun row(texts: Map<String, String>): Map<String, Any?> =
        fields.associate { it.name to value(it, texts[it.name].orEmpty().trim()) }

    private fun value(field: Field, text: String): Any? = when {
        text.isEmpty() && field.feature.optional -> null
        text.isEmpty() -> throw BadInput(field.name, Reason.MISSING, "is missing. Expected ${allowed(field.feature)}.")
        field.feature.dtype == Dtype.STRING -> text
        else -> number(field, text)
    }

    private fun number(field: Field, text: String): Number {
        val number = if (field.feature.dtype == Dtype.INT64) text.toLongOrNull() else text.toDoubleOrNull()
        if (number == null || !number.toDouble().isFinite()) {
            throw BadInput(field.name, Reason.WRONG_TYPE, "is \"$text\". Expected ${allowed(field.feature)}.")
        }
        val tooLow = field.minimum != null && number.toDouble() < field.minimum
        val tooHigh = field.maximum != null && number.toDouble() > field.maximum
        if (tooLow || tooHigh) {
            throw BadInput(field.name, Reason.OUT_OF_RANGE, "is $text. Expected ${allowed(field.feature)}.")
        }
        return if (field.widget == Widget.PERCENT) number.toDouble() / HUNDRED else number
    }

    private companion object {
        /** What a person types. */
        val TYPED = setOf(Widget.NUMBER, Widget.PERCENT)

        fun show(number: Double, dtype: Dtype): String =
            if (dtype == Dtype.INT64) number.roundToLong().toString() else decimal(number)
    }
}

/** A number with at most two decimals and no needless zeros: "37.94", "1028". */
fun decimal(number: Double): String = String.format(Locale.ROOT, "%.2f", number).trimEnd('0').trimEnd('.')
