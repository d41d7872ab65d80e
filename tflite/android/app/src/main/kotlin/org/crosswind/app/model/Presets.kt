package org.crosswind.app.model

import kotlin.math.roundToInt

/**
 * What the app can fill in itself. It is an extra: a model without these features has a form without them.
 *
 * @param airports names and places of the airports.
 */
class Presets(private val airports: Names) {
    /**
     * Texts that follow from a change: the route's length from its ends, none where a place is not known.
     *
     * @param changed the name of the field that a person changed.
     * @param texts what all fields hold.
     */
    fun after(changed: String, texts: Map<String, String>): Map<String, String> {
        if (changed != FROM && changed != TO || DISTANCE !in texts) return emptyMap()
        val miles = airports.miles(texts[FROM].orEmpty(), texts[TO].orEmpty())
        return mapOf(DISTANCE to miles?.roundToInt()?.toString().orEmpty())
    }

    companion object {
        private const val FROM = "origin"
        private const val TO = "dest"
        private const val DISTANCE = "distance"

        /** The fields that it fills in. */
        val FILLED = setOf(DISTANCE)
    }
}
