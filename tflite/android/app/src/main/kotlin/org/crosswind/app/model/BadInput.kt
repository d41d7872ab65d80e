package org.crosswind.app.model

/** Why a value is refused. The screen words it; [BadInput.message] is for whoever calls the model package. */
enum class Reason { MISSING, WRONG_TYPE, OUT_OF_RANGE, UNKNOWN_FIELD }

/**
 * A row that the model cannot take.
 *
 * @property field the feature, by its name in the card.
 */
class BadInput(val field: String, val reason: Reason, message: String) : IllegalArgumentException("$field $message")
