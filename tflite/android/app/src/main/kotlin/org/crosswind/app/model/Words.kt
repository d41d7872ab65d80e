package org.crosswind.app.model

/**
 * How the card speaks of what is predicted.
 *
 * @property title of the screen.
 * @property row what a row is; [rows] in the plural.
 * @property ask on the button.
 * @property event what the probability is of, after "27 % chance of".
 * @property yes the verdict from the threshold on; [above] and [below] the average those under it.
 * @property answer what a number or a class is that is predicted; [unit] that of a number.
 */
data class Words(
    val title: String = "Prediction",
    val row: String = "row",
    val rows: String = "rows",
    val ask: String = "Predict",
    val event: String = "yes",
    val yes: String = "Yes is likely",
    val above: String = "Chance above average",
    val below: String = "Chance below average",
    val answer: String = "answer",
    val unit: String = "",
)
