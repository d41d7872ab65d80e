package org.crosswind.app.fields

import android.view.ViewGroup
import android.widget.Switch
import org.crosswind.app.R
import org.crosswind.app.model.Field

/** Yes or no. */
class SwitchRow(field: Field, parent: ViewGroup) : FieldRow(field, parent, R.layout.field_switch) {
    private val switch = input as Switch

    override val text: String get() = if (switch.isChecked) "1" else "0"

    init {
        switch.text = field.label
        switch.setOnCheckedChangeListener { _, _ -> changed() }
    }

    override fun put(text: String) {
        switch.isChecked = text == "1"
    }
}
