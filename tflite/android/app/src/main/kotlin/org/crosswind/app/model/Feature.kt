package org.crosswind.app.model

/** What a feature means, which settles how the form asks for it unless the card says so. */
enum class Kind { NUMERIC, CATEGORICAL, CYCLIC, FLAG, SHARE }

/** A raw value's type in the file's signature. */
enum class Dtype { STRING, FLOAT32, INT64 }

/** How the screen asks for a value, by the card's name for it, and what text it then holds. An empty text means missing. */
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

    /** Any text. */
    TEXT,

    /** A number that the app fills in from the places of two other features, and a person may change. */
    DISTANCE,
}

/**
 * One raw input of the model.
 *
 * @property unit for people; empty where there is none.
 * @property optional the value may be missing.
 * @property values of a category: those that training knows; empty for other kinds.
 * @property minimum the least value in [unit]; null where there is none. So is [maximum].
 * @property typical of a number: the median in training; null for other kinds.
 * @property label what it is called, in words.
 * @property widget how the screen asks for it.
 * @property valueWords words for the values of a category.
 * @property places where the values of a category are.
 * @property between of a [Widget.DISTANCE]: the names of the two features whose places it is between; null for others.
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
    val label: String,
    val widget: Widget,
    val valueWords: Map<String, String>,
    val places: Map<String, Place>,
    val between: Pair<String, String>?,
)
