package org.crosswind.flightdelay.model

import kotlin.math.roundToInt

/**
 * What the app can fill in itself. It is an extra: a model without these features has a form without them.
 *
 * @param airports names and places of the airports.
 */
class Presets(private val airports: Names) {
    /**
     * Texts that follow from a change: the route's length from its ends.
     *
     * @param changed the name of the field that a person changed.
     * @param texts what all fields hold.
     */
    fun after(changed: String, texts: Map<String, String>): Map<String, String> {
        if (changed != FROM && changed != TO) return emptyMap()
        val miles = airports.miles(texts[FROM].orEmpty(), texts[TO].orEmpty()) ?: return emptyMap()
        return mapOf(DISTANCE to miles.roundToInt().toString())
    }

    private companion object {
        const val FROM = "origin"
        const val TO = "dest"
        const val DISTANCE = "distance"
    }
}
