package org.crosswind.app.model

import java.util.Locale
import kotlin.math.roundToLong

private const val HUNDRED = 100.0

/** How the screen asks for a value, and what text it then holds. An empty text means missing. */
enum class Widget {
    /** One of [Feature.values]. */
    CHOICE,

    /** A time of day: minutes since midnight, "1305". */
    TIME,

    /** A day of the week: days since Monday, "4". */
    WEEKDAY,

    /** "1" for on, "0" for off. */
    SWITCH,

    /** A share as a percentage, "19.6". */
    PERCENT,

    /** A number in the feature's unit, "1028". */
    NUMBER,

    /** Any text: a category whose values the card does not list. */
    TEXT,
}

/**
 * One field of the form.
 *
 * @property text what it holds at first: nothing, but for a switch, which is off, and for a number that [isTypical].
 * @property isTypical it must not be missing, and people do not know it by heart: it starts with the median in training.
 * @property minimum the least number that it takes, in what the [widget] shows; null where there is none. So is [maximum].
 * @property more a number, or what may be missing: the screen folds it away.
 */
data class Field(
    val feature: Feature,
    val widget: Widget,
    val text: String,
    val isTypical: Boolean,
    val minimum: Double?,
    val maximum: Double?,
) {
    val name: String get() = feature.name
    val more: Boolean get() = widget == Widget.NUMBER || widget == Widget.PERCENT || feature.optional
}

/**
 * The form of a model, built from its card: another model's card gives another form. What is not entered is missing.
 *
 * @param filled names of the fields that the app fills in from others.
 */
class Form(card: ModelCard, filled: Set<String> = emptySet()) {
    val fields: List<Field> = card.features.map { feature ->
        val widget = widget(feature)
        val scale = if (widget == Widget.PERCENT) HUNDRED else 1.0
        val typical = feature.typical.takeUnless { feature.optional || feature.name in filled }
        Field(
            feature,
            widget,
            text = typical?.let { show(it, feature.dtype) } ?: if (widget == Widget.SWITCH) "0" else "",
            isTypical = typical != null,
            minimum = feature.minimum?.times(scale),
            maximum = feature.maximum?.times(scale),
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
        fun widget(feature: Feature): Widget = when (feature.kind) {
            Kind.CATEGORICAL -> if (feature.values.isEmpty()) Widget.TEXT else Widget.CHOICE
            Kind.FLAG -> Widget.SWITCH
            Kind.SHARE -> Widget.PERCENT
            Kind.NUMERIC -> Widget.NUMBER
            Kind.CYCLIC -> when {
                feature.unit.startsWith("minutes since") -> Widget.TIME
                feature.unit == "days since Monday" -> Widget.WEEKDAY
                else -> Widget.NUMBER
            }
        }

        fun show(number: Double, dtype: Dtype): String =
            if (dtype == Dtype.INT64) number.roundToLong().toString() else decimal(number)
    }
}

/** A number with at most two decimals and no needless zeros: "37.94", "1028". */
fun decimal(number: Double): String = String.format(Locale.ROOT, "%.2f", number).trimEnd('0').trimEnd('.')
