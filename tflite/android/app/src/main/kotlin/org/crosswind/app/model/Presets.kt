package org.crosswind.app.model

import kotlin.math.roundToLong

private const val LONG = 100.0 // from here on a length has no decimals

/** What the app fills in from other fields: the distances of a card. */
class Presets(features: List<Feature>) {
    private val byName = features.associateBy { it.name }

    /**
     * Texts that follow from a change: each distance from its ends, none where a place is not known.
     *
     * @param changed the name of the field that a person changed.
     * @param texts what all fields hold.
     */
    fun after(changed: String, texts: Map<String, String>): Map<String, String> =
        byName.values.mapNotNull { feature ->
            feature.between?.takeIf { changed in it.toList() }?.let { (from, to) ->
                val places = listOf(from, to).map { byName[it]?.places?.get(texts[it]) }
                feature.name to distance(places[0], places[1], feature)
            }
        }.toMap()

    private fun distance(from: Place?, to: Place?, feature: Feature): String {
        if (from == null || to == null) return ""
        val length = from.distance(to, feature.unit)
        return if (length < LONG && feature.dtype != Dtype.INT64) decimal(length) else "${length.roundToLong()}"
    }
}
